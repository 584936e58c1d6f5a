//! Expands `#[derive(KerasSerializable)]` on a struct.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{DeriveInput, Ident};

use crate::ast::{Field, Role, Struct, at_span, code};
use crate::attributes::FieldDefault;
use crate::ctxt::Ctxt;
use crate::expand_constructor::{holds_no_objects, is_plain};
use crate::{bounds, check, expand_constructor, expand_description, expand_fallback, expand_state, threads};

/// Expands the derive; on errors, stand-ins avoid follow-up errors of the compiler.
pub fn derive(input: &DeriveInput) -> TokenStream {
    let mut cx = Ctxt::new();
    let parsed = Struct::parse(&mut cx, input);
    if let Some(parsed) = &parsed {
        check::check(&mut cx, parsed);
        threads::check(&mut cx, parsed);
    }
    match (cx.check(), parsed) {
        (Ok(()), Some(parsed)) => expand(&parsed),
        (Ok(()), None) => TokenStream::new(),
        (Err(errors), parsed) => {
            let fallback = expand_fallback::of_struct(input, parsed.as_ref());
            quote!(#errors #fallback)
        }
    }
}

fn expand(input: &Struct<'_>) -> TokenStream {
    let (ident, private) = (&input.input.ident, &input.private);
    let class_name = input.class_name();
    let generics = bounds::bounded(input);
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let description = expand_description::expand(input);
    let get_config = get_config(input);
    let from_config = from_config(input);
    let validate = validate(input);
    let visits = input.fields.iter().filter_map(|field| visit(input, field));
    let constructors = expand_constructor::expand(input);
    let checks = expand_state::checks(input);
    let base = has_base(input, &generics);
    let registrable = registrable(input.input, private, &class_name);
    code! {
        #[automatically_derived]
        impl #impl_generics #private::KerasSerializable for #ident #ty_generics #where_clause {
            fn class_name() -> &'static str {
                #class_name
            }
            fn class(&self) -> &'static str {
                #class_name
            }
            #description
            #get_config
            #from_config
            #validate
            fn visit_fields(&self, visitor: &mut dyn #private::FieldVisitor) {
                let _ = &visitor;
                #(#visits)*
            }
        }
        #base
        #registrable
        #constructors
        #checks
    }
}

/// Implements access to the base, if there is one.
pub fn has_base(input: &Struct<'_>, generics: &syn::Generics) -> Option<TokenStream> {
    let base = input.base()?;
    let (private, ident) = (&input.private, &input.input.ident);
    let (field, ty) = (base.ident, base.ty);
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let is_model = input.attributes.model.is_set().then(|| {
        code! {
            fn is_model(&self) -> bool {
                true
            }
        }
    });
    Some(code! {
        #[automatically_derived]
        impl #impl_generics #private::HasBase<#ty> for #ident #ty_generics #where_clause {
            fn base(&self) -> &#ty {
                &self.#field
            }
            fn base_mut(&mut self) -> &mut #ty {
                &mut self.#field
            }
            #is_model
        }
    })
}

/// Implements the registry entry of the class, unless it is generic.
pub fn registrable(input: &DeriveInput, private: &TokenStream, class_name: &str) -> Option<TokenStream> {
    let ident = &input.ident;
    input.generics.params.is_empty().then(|| {
        code! {
            #[automatically_derived]
            impl #private::Registrable for #ident {
                const ENTRY: #private::Entry = #private::Entry::class::<#ident>(
                    #class_name,
                    #private::casts!(#ident),
                    #private::Place { file: ::core::file!(), line: ::core::line!() },
                );
            }
        }
    })
}

/// Expands a call with a list of the entries: the work is in the library, once for all structs.
fn get_config(input: &Struct<'_>) -> TokenStream {
    let private = &input.private;
    let in_config =
        input.fields.iter().filter(|field| matches!(field.role, Role::Base | Role::Config | Role::BaseOrNull));
    let entries: Vec<TokenStream> = in_config.map(|field| write(input, field)).collect();
    let written = code!(#private::field::write(&mut [#(#entries),*]));
    let body = match input.attributes.get_config.get() {
        Some(adjust) => code! {
            let mut config = #written?;
            #adjust(self, &mut config)?;
            ::core::result::Result::Ok(config)
        },
        None => written,
    };
    code! {
        fn get_config(&self) -> #private::Result<#private::Config> {
            #body
        }
    }
}

/// Expands an entry of the list.
fn write(input: &Struct<'_>, field: &Field<'_>) -> TokenStream {
    let (private, ident, ty, name) = (&input.private, field.ident, field.ty, field.name());
    // The base's entries stand where its field does, as Keras writes some arguments before them.
    if field.role == Role::Base {
        let class_name = input.class_name();
        return code!(#private::field::Entry::Base(&self.#ident, #class_name, Self::description()));
    }
    if field.role == Role::BaseOrNull {
        return code!({
            let () = self.#ident;
            #private::field::Entry::OrNull(#name)
        });
    }
    // With the type's span, at which a field of an unfit type is reported.
    let span = field.ty_span();
    let private = &at_span(private, span);
    let entry = if field.attributes.serde.is_set() {
        quote_spanned!(span=> #private::field::Entry::Value(#name, #private::field::to_serde::<#ty>(&self.#ident)))
    } else if let Some(with) = field.attributes.with.get() {
        code!(#private::field::Entry::Value(#name, #with::to_value(&self.#ident)))
    } else {
        let written = quote_spanned!(span=> <#ty as #private::ConfigField>::written(&self.#ident));
        let is_absent = quote_spanned!(span=> <#ty as #private::ConfigField>::is_absent);
        // An omitted entry is read as the default, which must be a value that is written so.
        let is_checked = field.attributes.default.is_set() && !is_plain(ty) && field.attributes.skip_if.get().is_none();
        let default = if is_checked {
            let default = expand_constructor::default(input, field);
            code!(::core::option::Option::Some(|| #is_absent(&#default)))
        } else {
            code!(::core::option::Option::None)
        };
        code!(#private::field::Entry::Field(#name, #written, #default))
    };
    match field.attributes.skip_if.get() {
        Some(skip_if) => code! {
            if #skip_if(&self.#ident) { #private::field::Entry::Omitted } else { #entry }
        },
        None => entry,
    }
}

/// Expands locals that one call fills from the configuration, and the struct with them.
fn from_config(input: &Struct<'_>) -> TokenStream {
    let private = &input.private;
    let this = expand_constructor::construct(input, |field| read(input, field));
    let upgrade = input.attributes.from_config.get().map(|path| {
        code! {
            let mut upgraded = ::core::clone::Clone::clone(config);
            #path(&mut upgraded)?;
            let config = &upgraded;
        }
    });
    let read: Vec<&Field<'_>> = input.entries().filter(|field| !field.is_converted()).collect();
    let locals = read.iter().map(|field| {
        let (slot, ty) = (slot(field), field.ty);
        code!(let mut #slot: ::core::option::Option<#ty> = ::core::option::Option::None;)
    });
    let slots = input.entries().map(|field| {
        if field.is_converted() {
            return code!(&mut ());
        }
        let (slot, ty, span) = (slot(field), field.ty, field.ty_span());
        let private = &at_span(private, span);
        // A call, which has the span of the type, at which the compiler then reports an unfit one, once.
        quote_spanned!(span=> <#ty as #private::ConfigField>::slot(&mut #slot))
    });
    // All at once: each way out of the function would drop what is read by then, in code of its own.
    let required = read.iter().filter(|field| !field.attributes.default.is_set()).map(|field| slot(field));
    let required: Vec<Ident> = required.collect();
    let taken = (!required.is_empty()).then(|| {
        code! {
            let (#(::core::option::Option::Some(#required),)*) = (#(#required,)*) else {
                return ::core::result::Result::Err(#private::field::unfilled());
            };
        }
    });
    let validate = input.attributes.validate.get().map(|path| code!(#path(&this)?;));
    code! {
        fn from_config(config: &#private::Config) -> #private::Result<Self> {
            #upgrade
            #(#locals)*
            #private::field::read(config, Self::description(), &mut [#(#slots),*])?;
            #taken
            let this = #this;
            #validate
            ::core::result::Result::Ok(this)
        }
    }
}

/// Returns the local that is filled with a field's value.
fn slot(field: &Field<'_>) -> Ident {
    format_ident!("slot_{}", field.ident.unraw(), span = Span::mixed_site())
}

/// Expands a field's value.
fn read(input: &Struct<'_>, field: &Field<'_>) -> TokenStream {
    let (private, ty) = (&input.private, field.ty);
    // With the field's span, at which a type without a default is reported.
    let span = field.ty_span();
    let private = &at_span(private, span);
    let default = |default: Option<&FieldDefault>| match default {
        Some(FieldDefault::Expr(default)) => quote!(#default),
        _ => expand_constructor::start(input, field),
    };
    match field.role {
        Role::Base => {
            let default = default(field.attributes.default.get());
            return code!(#private::field::read_base::<#ty>(#default, Self::description(), config)?);
        }
        Role::Weight | Role::Sublayer | Role::SeedGenerator | Role::Skipped | Role::BaseOrNull => return default(None),
        Role::Config => {}
    }
    let name = field.name();
    let missing = code!(return ::core::result::Result::Err(#private::field::missing(config, #name)));
    let has_default = field.attributes.default.is_set();
    let omitted = if has_default { expand_constructor::default(input, field) } else { missing };
    if !field.is_converted() {
        let slot = slot(field);
        if !has_default {
            return code!(#slot);
        }
        return code! {
            match #slot {
                ::core::option::Option::Some(value) => value,
                ::core::option::Option::None => #omitted,
            }
        };
    }
    let aliases = &field.attributes.aliases;
    let convert = match field.attributes.with.get() {
        Some(with) => code!(#with::from_value(value)),
        None => quote_spanned!(span=> #private::field::from_serde::<#ty>(value)),
    };
    code! {
        match #private::field::entry(config, #name, &[#(#aliases),*]) {
            ::core::option::Option::Some(value) => #private::ResultExt::at(#convert, #name)?,
            ::core::option::Option::None => #omitted,
        }
    }
}

/// Expands the check of arguments: those of objects in fields, then the type's own.
fn validate(input: &Struct<'_>) -> Option<TokenStream> {
    let fields = input.fields.iter().filter_map(|field| {
        let (ident, ty, name, span) = (field.ident, field.ty, field.name(), field.ty_span());
        let private = &at_span(&input.private, span);
        match field.role {
            Role::Base => Some(code!(<#ty as #private::Base>::validate(&self.#ident)?;)),
            Role::Config if !field.is_converted() && !holds_no_objects(ty) => {
                let checked = quote_spanned!(span=> <#ty as #private::ConfigField>::validate(&self.#ident));
                Some(code!(#private::ResultExt::at(#checked, #name)?;))
            }
            _ => None,
        }
    });
    let fields: Vec<TokenStream> = fields.collect();
    let own = input.attributes.validate.get().map(|path| code!(#path(self)?;));
    if fields.is_empty() && own.is_none() {
        return None;
    }
    let private = &input.private;
    Some(code! {
        fn validate(&self) -> #private::Result<()> {
            #(#fields)*
            #own
            ::core::result::Result::Ok(())
        }
    })
}

fn visit(input: &Struct<'_>, field: &Field<'_>) -> Option<TokenStream> {
    let (private, ident, ty, name) = (&input.private, field.ident, field.ty, field.name());
    // With the type's span, at which a field of an unfit type is reported.
    let span = field.ty_span();
    let private = &at_span(private, span);
    match field.role {
        Role::Weight | Role::Sublayer | Role::SeedGenerator => {
            Some(quote_spanned!(span=> <#ty as #private::StateField>::visit_state(&self.#ident, #name, visitor);))
        }
        Role::Config if field.is_converted() => Some(code! {
            {
                use #private::walk::{WalkConfigField as _, WalkNothing as _, WalkStateField as _};
                (&&&#private::walk::Walk::<#ty>(&self.#ident)).walk(#name, visitor);
            }
        }),
        // Numbers and strings hold nothing to visit.
        Role::Config if holds_no_objects(ty) => None,
        Role::Config => {
            Some(quote_spanned!(span=> <#ty as #private::ConfigField>::visit(&self.#ident, #name, visitor);))
        }
        _ => None,
    }
}
