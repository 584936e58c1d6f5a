//! Expands `#[derive(KerasSerializable)]` on a struct.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::DeriveInput;

use crate::ast::{Field, Role, Struct, at_span, code};
use crate::attributes::FieldDefault;
use crate::ctxt::Ctxt;
use crate::expand_constructor::is_plain;
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
    let registrable = registrable(input);
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
pub fn registrable(input: &Struct<'_>) -> Option<TokenStream> {
    let (ident, private, class_name) = (&input.input.ident, &input.private, input.class_name());
    input.input.generics.params.is_empty().then(|| {
        code! {
            #[automatically_derived]
            impl #private::Registrable for #ident {
                fn entry() -> #private::Entry {
                    #private::Entry::class::<#ident>(
                        #class_name,
                        #private::casts!(#ident),
                        #private::Place { file: ::core::file!(), line: ::core::line!() },
                    )
                }
            }
        }
    })
}

/// Returns the names of the type's own entries, which its base neither reads nor writes.
fn own_names(input: &Struct<'_>) -> Vec<String> {
    let ignored = input.attributes.ignored.iter().map(syn::LitStr::value);
    input.entries().flat_map(Field::names).chain(ignored).collect()
}

fn get_config(input: &Struct<'_>) -> TokenStream {
    let private = &input.private;
    let in_config =
        input.fields.iter().filter(|field| matches!(field.role, Role::Base | Role::Config | Role::BaseOrNull));
    let entries: Vec<TokenStream> = in_config.map(|field| write(input, field)).collect();
    let (count, of_base) = (entries.len(), input.base().map(|base| base.ty));
    let capacity = match of_base {
        Some(ty) => code!(<#ty as #private::Base>::KEYS.len() + #count),
        None => code!(#count),
    };
    let adjust = input.attributes.get_config.get().map(|path| code!(#path(self, &mut config)?;));
    let body = if entries.is_empty() && adjust.is_none() {
        code!(::core::result::Result::Ok(#private::Config::new()))
    } else {
        code! {
            let mut config = #private::Config::with_capacity(#capacity);
            #(#entries)*
            #adjust
            ::core::result::Result::Ok(config)
        }
    };
    code! {
        fn get_config(&self) -> #private::Result<#private::Config> {
            #body
        }
    }
}

fn write(input: &Struct<'_>, field: &Field<'_>) -> TokenStream {
    let (private, ident, ty, name) = (&input.private, field.ident, field.ty, field.name());
    // The base's entries stand where its field does, as Keras writes some arguments before them.
    if field.role == Role::Base {
        let (own, class_name) = (own_names(input), input.class_name());
        return code! {
            #private::field::write_base::<#ty>(
                &self.#ident,
                #class_name,
                &[#(#own),*],
                &mut config,
            )?;
        };
    }
    if field.role == Role::BaseOrNull {
        return code! {
            let () = self.#ident;
            #private::field::null_if_missing(&mut config, #name);
        };
    }
    // With the type's span, at which a field of an unfit type is reported.
    let span = field.ty_span();
    let private = &at_span(private, span);
    let is_plain = !field.attributes.serde.is_set() && field.attributes.with.get().is_none();
    let value = if field.attributes.serde.is_set() {
        quote_spanned!(span=> #private::field::to_serde::<#ty>(&self.#ident, #name)?)
    } else if let Some(with) = field.attributes.with.get() {
        code!(#private::ResultExt::at(#with::to_value(&self.#ident), #name)?)
    } else {
        quote_spanned!(span=> #private::ResultExt::at(<#ty as #private::ConfigField>::to_value(&self.#ident), #name)?)
    };
    let insert = code!(config.insert(<::std::string::String as ::core::convert::From<&str>>::from(#name), #value););
    match field.attributes.skip_if.get() {
        Some(skip_if) => code!(if !#skip_if(&self.#ident) { #insert }),
        // A field without a value is omitted.
        None if is_plain => {
            let default = field.attributes.default.get().map(|default| match default {
                FieldDefault::Trait => quote_spanned!(span=> <#ty as ::core::default::Default>::default()),
                FieldDefault::Expr(expr) => quote!(#expr),
            });
            let is_absent = quote_spanned!(span=> <#ty as #private::ConfigField>::is_absent);
            let is_absent = match default {
                Some(default) => code! {
                    #private::field::is_omitted(
                        #is_absent(&self.#ident),
                        || {
                            let default = || -> #ty { #default };
                            #is_absent(&default())
                        },
                        #name,
                    )?
                },
                None => code!(#is_absent(&self.#ident)),
            };
            code!(if !#is_absent { #insert })
        }
        None => insert,
    }
}

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
    let refuse = (!input.attributes.allow_unknown.is_set()).then(|| {
        let names = own_names(input);
        let of_base = match input.base() {
            Some(base) => {
                let ty = base.ty;
                code!(<#ty as #private::Base>::KEYS)
            }
            None => code!(&[]),
        };
        code!(#private::field::refuse_unknown(config, #of_base, &[#(#names),*])?;)
    });
    let validate = input.attributes.validate.get().map(|path| code!(#path(&this)?;));
    code! {
        fn from_config(config: &#private::Config) -> #private::Result<Self> {
            #upgrade
            #refuse
            let this = #this;
            #validate
            ::core::result::Result::Ok(this)
        }
    }
}

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
            let (own, default) = (own_names(input), default(field.attributes.default.get()));
            return code!(#private::field::read_base::<#ty>(#default, &[#(#own),*], config)?);
        }
        Role::Weight | Role::Sublayer | Role::SeedGenerator | Role::Skipped | Role::BaseOrNull => return default(None),
        Role::Config => {}
    }
    let name = field.name();
    let aliases = &field.attributes.aliases;
    // Calls, not functions as arguments: the compiler reports an unfit type once, for calls have the span of the type.
    let convert = if field.attributes.serde.is_set() {
        quote_spanned!(span=> #private::field::from_serde::<#ty>(value))
    } else if let Some(with) = field.attributes.with.get() {
        code!(#with::from_value(value))
    } else {
        quote_spanned!(span=> <#ty as #private::ConfigField>::from_value(value))
    };
    let is_plain = !field.attributes.serde.is_set() && field.attributes.with.get().is_none();
    let omitted = match field.attributes.default.get() {
        None if is_plain => {
            quote_spanned!(span=> #private::field::present(<#ty as #private::ConfigField>::absent(), config, #name)?)
        }
        None => code!(return ::core::result::Result::Err(#private::field::missing(config, #name))),
        Some(given) => {
            let default = default(Some(given));
            code!({
                let default = || -> #ty { #default };
                default()
            })
        }
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
        let by_hand = field.attributes.serde.is_set() || field.attributes.with.is_set();
        match field.role {
            Role::Base => Some(code!(<#ty as #private::Base>::validate(&self.#ident)?;)),
            Role::Config if !by_hand && !is_plain(ty) => {
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
        Role::Config if field.attributes.serde.is_set() || field.attributes.with.is_set() => Some(code! {
            {
                use #private::walk::{WalkConfigField as _, WalkNothing as _, WalkStateField as _};
                (&&&#private::walk::Walk::<#ty>(&self.#ident)).walk(#name, visitor);
            }
        }),
        Role::Config => {
            Some(quote_spanned!(span=> <#ty as #private::ConfigField>::visit(&self.#ident, #name, visitor);))
        }
        _ => None,
    }
}
