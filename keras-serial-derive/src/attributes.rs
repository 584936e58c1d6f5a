//! Parses the attributes of types, fields and variants.

use quote::ToTokens;
use syn::meta::ParseNestedMeta;
use syn::parse::Parse;
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, Ident, LitInt, LitStr, Path, Token, WherePredicate};

use crate::ctxt::Ctxt;
use crate::names::{self, Name};

/// An attribute that may be given once, with its span.
pub struct Once<T> {
    name: Name,
    value: Option<(Path, T)>,
}

impl<T> Once<T> {
    fn new(name: Name) -> Self {
        Self { name, value: None }
    }

    fn set(&mut self, cx: &mut Ctxt, at: &Path, value: T) {
        if self.value.is_some() {
            cx.error(at, format!("duplicate `{}`", self.name.0));
        } else {
            self.value = Some((at.clone(), value));
        }
    }

    /// Returns the value, if it was given.
    pub fn get(&self) -> Option<&T> {
        self.value.as_ref().map(|(_, value)| value)
    }

    /// Returns true if the attribute was given.
    pub fn is_set(&self) -> bool {
        self.value.is_some()
    }

    /// Returns the attribute's name and path, if it was given.
    pub fn given(&self) -> Option<(Name, &Path)> {
        self.value.as_ref().map(|(at, _)| (self.name, at))
    }
}

/// How an omitted field gets its value.
pub enum FieldDefault {
    Trait,
    Expr(Box<Expr>),
}

/// Bounds that replace those derived from the fields.
pub type Bound = Punctuated<WherePredicate, Token![,]>;

/// The attributes of a field.
pub struct FieldAttributes<'a> {
    /// All attributes, of which some are the doc comment.
    pub docs: &'a [Attribute],
    pub weight: Once<Option<LitStr>>,
    pub sublayer: Once<Option<LitStr>>,
    /// The expression that creates a sublayer from the other fields.
    pub init: Option<Expr>,
    pub seed_generator: Once<()>,
    pub base: Once<()>,
    pub skip: Once<()>,
    pub untracked: Once<()>,
    pub serde: Once<()>,
    pub default: Once<FieldDefault>,
    pub rename: Once<LitStr>,
    pub aliases: Vec<LitStr>,
    pub with: Once<Path>,
    pub skip_if: Once<Path>,
    pub field_type: Once<Path>,
    pub base_or_null: Once<()>,
    pub no_setter: Once<()>,
    pub bound: Once<Bound>,
}

/// The attributes of a struct or enum.
pub struct TypeAttributes {
    pub model: Once<()>,
    pub validate: Once<Path>,
    pub get_config: Once<Path>,
    pub from_config: Once<Path>,
    pub class_name: Once<LitStr>,
    pub version: Once<LitInt>,
    pub upgrade: Once<Path>,
    pub infer_version: Once<Path>,
    pub rename_all: Once<LitStr>,
    pub allow_unknown: Once<()>,
    /// The order of the arguments of `new`; empty for that of the fields.
    pub new: Once<Vec<Ident>>,
    pub setters: Once<()>,
    pub default: Once<()>,
    pub display: Once<()>,
    pub from_str: Once<()>,
    pub bound: Once<Bound>,
    pub krate: Once<Path>,
    pub ignored: Vec<LitStr>,
}

/// The attributes of an enum's variant.
pub struct VariantAttributes {
    pub rename: Once<LitStr>,
    pub aliases: Vec<LitStr>,
}

fn string(meta: &ParseNestedMeta<'_>) -> syn::Result<LitStr> {
    let text: LitStr = meta.value()?.parse()?;
    if text.value().is_empty() {
        return Err(syn::Error::new_spanned(text, "the name can't be empty"));
    }
    Ok(text)
}

/// Parses `= path` or `= "path"`.
pub fn path(meta: &ParseNestedMeta<'_>) -> syn::Result<Path> {
    let value = meta.value()?;
    if value.peek(LitStr) { value.parse::<LitStr>()?.parse() } else { value.parse() }
}

/// Parses `= "T: Bound, U: Bound"`.
fn bound(meta: &ParseNestedMeta<'_>) -> syn::Result<Bound> {
    meta.value()?.parse::<LitStr>()?.parse_with(Bound::parse_terminated)
}

fn list<T: Parse>(meta: &ParseNestedMeta<'_>) -> syn::Result<Vec<T>> {
    let content;
    syn::parenthesized!(content in meta.input);
    Ok(content.parse_terminated(T::parse, Token![,])?.into_iter().collect())
}

/// Parses each item of `#[keras(…)]` whose name is in `known`; reports others.
fn each(
    cx: &mut Ctxt,
    attributes: &[Attribute],
    place: &str,
    known: &[Name],
    mut parse: impl FnMut(&mut Ctxt, Name, &ParseNestedMeta<'_>) -> syn::Result<()>,
) {
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident(names::NAMESPACE)) {
        let result = match &attribute.meta {
            syn::Meta::List(_) => attribute.parse_nested_meta(|meta| {
                match known.iter().copied().find(|name| meta.path.is_ident(name.0)) {
                    Some(name) => parse(cx, name, &meta),
                    None => {
                        let error = unknown(&meta, place, known);
                        // Taken as the name that it resembles, so that no other errors follow from it.
                        let Some(near) = near(&meta, known) else { return Err(error) };
                        cx.syn_error(error);
                        parse(cx, near, &meta)
                    }
                }
            }),
            _ => Err(syn::Error::new_spanned(attribute, format!("expected `#[{}(…)]`", names::NAMESPACE))),
        };
        if let Err(error) = result {
            cx.syn_error(error);
        }
    }
}

fn unknown(meta: &ParseNestedMeta<'_>, place: &str, known: &[Name]) -> syn::Error {
    let given = meta.path.get_ident().map_or_else(|| "this".to_owned(), ToString::to_string);
    let homes = [
        ("a field", names::OF_FIELDS),
        ("a struct", names::OF_STRUCTS),
        ("an enum", names::OF_ENUMS),
        ("a variant", names::OF_VARIANTS),
    ];
    let inner =
        [(names::INIT, "`sublayer(init = …)`"), (names::NAME, "`weight(name = \"…\")` or `sublayer(name = \"…\")`")];
    if known == names::OF_FIELDS
        && let Some((_, form)) = inner.iter().find(|(name, _)| name.0 == given)
    {
        return meta.error(format!("`{given}` stands in parentheses: {form}"));
    }
    let home = homes.iter().find(|(_, names)| names.iter().any(|name| name.0 == given));
    let expected = names::listed(known);
    meta.error(match home {
        Some((home, _)) => format!("`{given}` is for {home}; {place} can have {expected}"),
        None => match near(meta, known) {
            Some(near) => format!("unknown attribute `{given}`: did you mean `{}`? Expected one of {expected}", near.0),
            None => format!("unknown attribute `{given}`, expected one of {expected}"),
        },
    })
}

/// Returns the known name that a misspelt one resembles.
fn near(meta: &ParseNestedMeta<'_>, known: &[Name]) -> Option<Name> {
    let given = meta.path.get_ident()?.to_string();
    let is_another = [names::OF_FIELDS, names::OF_STRUCTS, names::OF_ENUMS].concat().iter().any(|name| name.0 == given);
    let distance = |name: &Name| strsim::osa_distance(&given, name.0);
    let nearest = known.iter().copied().min_by_key(distance)?;
    (!is_another && distance(&nearest) * 3 <= given.len()).then_some(nearest)
}

/// Checks that nothing follows the name.
fn no_arguments(name: Name, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    if meta.input.is_empty() || meta.input.peek(Token![,]) {
        return Ok(());
    }
    Err(meta.error(format!("`{name}` has no arguments")))
}

impl<'a> FieldAttributes<'a> {
    /// Parses a field's attributes.
    pub fn parse(cx: &mut Ctxt, attributes: &'a [Attribute]) -> Self {
        let mut this = Self {
            docs: attributes,
            weight: Once::new(names::WEIGHT),
            seed_generator: Once::new(names::SEED_GENERATOR),
            sublayer: Once::new(names::SUBLAYER),
            init: None,
            base: Once::new(names::BASE),
            skip: Once::new(names::SKIP),
            untracked: Once::new(names::UNTRACKED),
            serde: Once::new(names::SERDE),
            default: Once::new(names::DEFAULT),
            rename: Once::new(names::RENAME),
            aliases: Vec::new(),
            with: Once::new(names::WITH),
            skip_if: Once::new(names::SKIP_IF),
            field_type: Once::new(names::FIELD_TYPE),
            base_or_null: Once::new(names::BASE_OR_NULL),
            no_setter: Once::new(names::NO_SETTER),
            bound: Once::new(names::BOUND),
        };
        each(cx, attributes, "a field", names::OF_FIELDS, |cx, name, meta| {
            let at = &meta.path;
            let flag = match name {
                // #[keras(skip)], #[keras(seed_generator)], …
                names::SKIP => &mut this.skip,
                names::UNTRACKED => &mut this.untracked,
                names::SERDE => &mut this.serde,
                names::BASE_OR_NULL => &mut this.base_or_null,
                names::NO_SETTER => &mut this.no_setter,
                names::SEED_GENERATOR => &mut this.seed_generator,
                names::BASE => &mut this.base,
                _ => {
                    return this.parse_value(cx, name, meta);
                }
            };
            flag.set(cx, at, ());
            no_arguments(name, meta)
        });
        this
    }

    /// Parses an attribute that has, or can have, a value.
    fn parse_value(&mut self, cx: &mut Ctxt, name: Name, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        let at = &meta.path;
        match name {
            // #[keras(default)], #[keras(default = 0.5)]
            names::DEFAULT if meta.input.peek(Token![=]) => {
                self.default.set(cx, at, FieldDefault::Expr(Box::new(meta.value()?.parse()?)));
            }
            names::DEFAULT => self.default.set(cx, at, FieldDefault::Trait),
            // #[keras(rename = "lr")]
            names::RENAME => self.rename.set(cx, at, string(meta)?),
            // #[keras(alias = "lr")]
            names::ALIAS => self.aliases.push(string(meta)?),
            // #[keras(with = "module")]
            names::WITH => self.with.set(cx, at, path(meta)?),
            // #[keras(skip_if = Option::is_none)]
            names::SKIP_IF => self.skip_if.set(cx, at, path(meta)?),
            // #[keras(field_type = one_or_more)]
            names::FIELD_TYPE => self.field_type.set(cx, at, path(meta)?),
            // #[keras(bound = "T: Trait")]
            names::BOUND => self.bound.set(cx, at, bound(meta)?),
            // #[keras(weight)], #[keras(weight(name = "kernel"))]
            names::WEIGHT => {
                let (name, _) = state(meta, &[names::NAME])?;
                self.weight.set(cx, at, name);
            }
            // #[keras(sublayer)], #[keras(sublayer(name = "query_dense"))], #[keras(sublayer(init = Dense::new(units).shared()))]
            names::SUBLAYER => {
                let (name, init) = state(meta, &[names::NAME, names::INIT])?;
                self.sublayer.set(cx, at, name);
                self.init = init;
            }
            _ => return Err(meta.error("this attribute has no parser")),
        }
        Ok(())
    }
}

/// Parses `(name = "…")` and, for a sublayer, `(init = expr)`.
fn state(meta: &ParseNestedMeta<'_>, known: &[Name]) -> syn::Result<(Option<LitStr>, Option<Expr>)> {
    let (mut name, mut init) = (None, None);
    if !meta.input.peek(syn::token::Paren) {
        return Ok((name, init));
    }
    meta.parse_nested_meta(|meta| {
        let again = match known.iter().find(|known| meta.path.is_ident(known.0)) {
            Some(&names::NAME) => name.replace(string(&meta)?).is_some(),
            Some(_) => init.replace(meta.value()?.parse()?).is_some(),
            None => {
                let given = meta.path.get_ident().map_or_else(|| "this".to_owned(), ToString::to_string);
                let known = names::listed(known);
                return Err(meta.error(format!("unknown attribute `{given}`, expected one of {known}")));
            }
        };
        if again { Err(meta.error(format!("duplicate `{}`", meta.path.to_token_stream()))) } else { Ok(()) }
    })?;
    Ok((name, init))
}

impl TypeAttributes {
    fn new() -> Self {
        Self {
            model: Once::new(names::MODEL),
            validate: Once::new(names::VALIDATE),
            get_config: Once::new(names::GET_CONFIG),
            from_config: Once::new(names::FROM_CONFIG),
            class_name: Once::new(names::CLASS_NAME),
            version: Once::new(names::VERSION),
            upgrade: Once::new(names::UPGRADE),
            infer_version: Once::new(names::INFER_VERSION),
            rename_all: Once::new(names::RENAME_ALL),
            allow_unknown: Once::new(names::ALLOW_UNKNOWN),
            new: Once::new(names::NEW),
            setters: Once::new(names::SETTERS),
            default: Once::new(names::DEFAULT),
            display: Once::new(names::DISPLAY),
            from_str: Once::new(names::FROM_STR),
            bound: Once::new(names::BOUND),
            krate: Once::new(names::CRATE),
            ignored: Vec::new(),
        }
    }

    /// Parses a struct's attributes.
    pub fn of_struct(cx: &mut Ctxt, attributes: &[Attribute]) -> Self {
        Self::parse(cx, attributes, "a struct", names::OF_STRUCTS)
    }

    /// Parses an enum's attributes.
    pub fn of_enum(cx: &mut Ctxt, attributes: &[Attribute]) -> Self {
        Self::parse(cx, attributes, "an enum", names::OF_ENUMS)
    }

    fn parse(cx: &mut Ctxt, attributes: &[Attribute], place: &str, known: &[Name]) -> Self {
        let mut this = Self::new();
        each(cx, attributes, place, known, |cx, name, meta| {
            let at = &meta.path;
            match name {
                // #[keras(model)]
                names::MODEL => {
                    this.model.set(cx, at, ());
                    return no_arguments(name, meta);
                }
                // #[keras(validate = Self::check)]
                names::VALIDATE => this.validate.set(cx, at, path(meta)?),
                // #[keras(get_config = Self::adjust)]
                names::GET_CONFIG => this.get_config.set(cx, at, path(meta)?),
                // #[keras(from_config = upgrade)]
                names::FROM_CONFIG => this.from_config.set(cx, at, path(meta)?),
                // #[keras(class_name = "Dense")]
                names::CLASS_NAME => this.class_name.set(cx, at, string(meta)?),
                // #[keras(version = 2)]
                names::VERSION => this.version.set(cx, at, meta.value()?.parse()?),
                // #[keras(upgrade = upgrade)]
                names::UPGRADE => this.upgrade.set(cx, at, path(meta)?),
                // #[keras(infer_version = version_of)]
                names::INFER_VERSION => this.infer_version.set(cx, at, path(meta)?),
                // #[keras(rename_all = "snake_case")]
                names::RENAME_ALL => this.rename_all.set(cx, at, string(meta)?),
                // #[keras(allow_unknown)]
                names::ALLOW_UNKNOWN => this.allow_unknown.set(cx, at, ()),
                // #[keras(new)], #[keras(new(equation, output_shape))]
                names::NEW => {
                    let order = if meta.input.peek(syn::token::Paren) { list(meta)? } else { Vec::new() };
                    this.new.set(cx, at, order);
                }
                // #[keras(setters)]
                names::SETTERS => this.setters.set(cx, at, ()),
                // #[keras(default)]
                names::DEFAULT => this.default.set(cx, at, ()),
                // #[keras(display)], #[keras(from_str)]
                names::DISPLAY => this.display.set(cx, at, ()),
                names::FROM_STR => this.from_str.set(cx, at, ()),
                // #[keras(bound = "T: Trait")]
                names::BOUND => this.bound.set(cx, at, bound(meta)?),
                // #[keras(crate = "renamed")]
                names::CRATE => this.krate.set(cx, at, path(meta)?),
                // #[keras(ignore("time_major"))]
                names::IGNORE => this.ignored.extend(list::<LitStr>(meta)?),
                _ => return Err(meta.error("this attribute has no parser")),
            }
            Ok(())
        });
        this
    }

    /// Parses a type's attributes for `#[register]`; the derive reports errors in them.
    pub fn for_register(attributes: &[Attribute]) -> Self {
        let mut cx = Ctxt::new();
        let known = [names::OF_STRUCTS, names::OF_ENUMS].concat();
        let this = Self::parse(&mut cx, attributes, "a type", &known);
        let _reported_by_the_derive = cx.check();
        this
    }
}

impl VariantAttributes {
    /// Parses a variant's attributes.
    pub fn parse(cx: &mut Ctxt, attributes: &[Attribute]) -> Self {
        let mut this = Self { rename: Once::new(names::RENAME), aliases: Vec::new() };
        each(cx, attributes, "a variant", names::OF_VARIANTS, |cx, name, meta| {
            match name {
                // #[keras(rename = "channels_last")]
                names::RENAME => this.rename.set(cx, &meta.path, string(meta)?),
                // #[keras(alias = "tf")]
                _ => this.aliases.push(string(meta)?),
            }
            Ok(())
        });
        this
    }
}
