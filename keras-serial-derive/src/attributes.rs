//! Attributes of types, fields and variants.

use syn::meta::ParseNestedMeta;
use syn::parse::Parse;
use syn::{Attribute, Expr, Ident, LitStr, Path, Token};

use crate::ctxt::Ctxt;

/// A value that may be given once.
pub struct Once<T> {
    name: &'static str,
    value: Option<T>,
}

impl<T> Once<T> {
    fn new(name: &'static str) -> Self {
        Self { name, value: None }
    }

    fn set(&mut self, cx: &mut Ctxt, at: &Path, value: T) {
        if self.value.is_some() {
            cx.error(at, format!("duplicate `{}`", self.name));
        } else {
            self.value = Some(value);
        }
    }

    /// The value, if it was given.
    pub fn get(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// Was it given?
    pub fn is_set(&self) -> bool {
        self.value.is_some()
    }
}

/// How a field that may be left out gets its value.
pub enum FieldDefault {
    Trait,
    Expr(Box<Expr>),
}

/// The attributes of a field.
pub struct FieldAttributes {
    pub weight: Once<Option<LitStr>>,
    pub sublayer: Once<Option<LitStr>>,
    /// How a sublayer is made from the other fields.
    pub init: Option<Expr>,
    pub seed_generator: Once<()>,
    pub base: Once<()>,
    pub skip: Once<()>,
    pub serde: Once<()>,
    pub default: Once<FieldDefault>,
    pub rename: Once<LitStr>,
    pub aliases: Vec<LitStr>,
    pub with: Once<Path>,
    pub skip_if: Once<Path>,
    pub base_or_null: Once<()>,
    pub no_setter: Once<()>,
}

/// The attributes of a struct or enum.
pub struct TypeAttributes {
    pub validate: Once<Path>,
    pub get_config: Once<Path>,
    pub from_config: Once<Path>,
    pub class_name: Once<LitStr>,
    pub rename_all: Once<LitStr>,
    pub allow_unknown: Once<()>,
    /// With the order of its arguments, where it is not that of the fields.
    pub new: Once<Vec<Ident>>,
    pub setters: Once<()>,
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

/// `= path` or `= "path"`.
fn path(meta: &ParseNestedMeta<'_>) -> syn::Result<Path> {
    let value = meta.value()?;
    if value.peek(LitStr) { value.parse::<LitStr>()?.parse() } else { value.parse() }
}

fn list(meta: &ParseNestedMeta<'_>) -> syn::Result<Vec<LitStr>> {
    let content;
    syn::parenthesized!(content in meta.input);
    Ok(content.parse_terminated(|input| input.parse::<LitStr>(), Token![,])?.into_iter().collect())
}

fn idents(meta: &ParseNestedMeta<'_>) -> syn::Result<Vec<Ident>> {
    let content;
    syn::parenthesized!(content in meta.input);
    Ok(content.parse_terminated(Ident::parse, Token![,])?.into_iter().collect())
}

fn unknown(meta: &ParseNestedMeta<'_>, known: &str) -> syn::Error {
    let name = meta.path.get_ident().map_or_else(|| "this".to_owned(), ToString::to_string);
    meta.error(format!("unknown attribute `{name}`, expected one of {known}"))
}

/// Runs the parser of each `#[config(…)]`.
fn each_config(
    cx: &mut Ctxt,
    attributes: &[Attribute],
    mut parse: impl FnMut(&mut Ctxt, ParseNestedMeta<'_>) -> syn::Result<()>,
) {
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("config")) {
        if let syn::Meta::List(_) = attribute.meta {
            let result = attribute.parse_nested_meta(|meta| parse(cx, meta));
            if let Err(error) = result {
                cx.syn_error(error);
            }
        } else {
            cx.error(attribute, "expected `#[config(…)]`");
        }
    }
}

impl FieldAttributes {
    /// Reads a field's attributes.
    pub fn parse(cx: &mut Ctxt, attributes: &[Attribute]) -> Self {
        let mut this = Self {
            weight: Once::new("weight"),
            seed_generator: Once::new("seed_generator"),
            sublayer: Once::new("sublayer"),
            init: None,
            base: Once::new("base"),
            skip: Once::new("skip"),
            serde: Once::new("serde"),
            default: Once::new("default"),
            rename: Once::new("rename"),
            aliases: Vec::new(),
            with: Once::new("with"),
            skip_if: Once::new("skip_if"),
            base_or_null: Once::new("base_or_null"),
            no_setter: Once::new("no_setter"),
        };
        each_config(cx, attributes, |cx, meta| {
            let at = meta.path.clone();
            // #[config(skip)]
            if at.is_ident("skip") {
                this.skip.set(cx, &at, ());
            // #[config(serde)]
            } else if at.is_ident("serde") {
                this.serde.set(cx, &at, ());
            // #[config(default)], #[config(default = 0.5)]
            } else if at.is_ident("default") {
                let default = if meta.input.peek(Token![=]) {
                    FieldDefault::Expr(Box::new(meta.value()?.parse()?))
                } else {
                    FieldDefault::Trait
                };
                this.default.set(cx, &at, default);
            // #[config(rename = "lr")]
            } else if at.is_ident("rename") {
                this.rename.set(cx, &at, string(&meta)?);
            // #[config(alias = "lr")]
            } else if at.is_ident("alias") {
                this.aliases.push(string(&meta)?);
            // #[config(with = "module")]
            } else if at.is_ident("with") {
                this.with.set(cx, &at, path(&meta)?);
            // #[config(skip_if = Option::is_none)]
            } else if at.is_ident("skip_if") {
                this.skip_if.set(cx, &at, path(&meta)?);
            // #[config(base_or_null)]
            } else if at.is_ident("base_or_null") {
                this.base_or_null.set(cx, &at, ());
            // #[config(no_setter)]
            } else if at.is_ident("no_setter") {
                this.no_setter.set(cx, &at, ());
            } else {
                return Err(unknown(
                    &meta,
                    "`skip`, `serde`, `default`, `rename`, `alias`, `with`, `skip_if`, `base_or_null`, `no_setter`",
                ));
            }
            Ok(())
        });
        for attribute in attributes {
            let at = attribute.path();
            // #[weight], #[weight(name = "kernel")]
            if at.is_ident("weight") {
                let (name, _) = state(cx, attribute, false);
                this.weight.set(cx, at, name);
            // #[sublayer], #[sublayer(name = "query_dense")], #[sublayer(init = Dense::new(units).shared())]
            } else if at.is_ident("sublayer") {
                let (name, init) = state(cx, attribute, true);
                this.sublayer.set(cx, at, name);
                this.init = init;
            // #[seed_generator], #[base]
            } else if at.is_ident("seed_generator") || at.is_ident("base") {
                let (name, once) = if at.is_ident("base") {
                    ("base", &mut this.base)
                } else {
                    ("seed_generator", &mut this.seed_generator)
                };
                if !matches!(attribute.meta, syn::Meta::Path(_)) {
                    cx.error(attribute, format!("`#[{name}]` has no arguments"));
                }
                once.set(cx, at, ());
            }
        }
        this
    }
}

/// `(name = "…")` and, for a sublayer, `(init = expr)`.
fn state(cx: &mut Ctxt, attribute: &Attribute, may_init: bool) -> (Option<LitStr>, Option<Expr>) {
    let (mut name, mut init) = (None, None);
    if let syn::Meta::Path(_) = attribute.meta {
        return (name, init);
    }
    let result = attribute.parse_nested_meta(|meta| {
        if meta.path.is_ident("name") {
            if name.replace(string(&meta)?).is_some() {
                return Err(meta.error("duplicate `name`"));
            }
        } else if may_init && meta.path.is_ident("init") {
            if init.replace(meta.value()?.parse()?).is_some() {
                return Err(meta.error("duplicate `init`"));
            }
        } else {
            return Err(unknown(&meta, if may_init { "`name`, `init`" } else { "`name`" }));
        }
        Ok(())
    });
    if let Err(error) = result {
        cx.syn_error(error);
    }
    (name, init)
}

impl TypeAttributes {
    /// Reads a type's attributes.
    pub fn parse(cx: &mut Ctxt, attributes: &[Attribute]) -> Self {
        let mut this = Self {
            validate: Once::new("validate"),
            get_config: Once::new("get_config"),
            from_config: Once::new("from_config"),
            class_name: Once::new("class_name"),
            rename_all: Once::new("rename_all"),
            allow_unknown: Once::new("allow_unknown"),
            new: Once::new("new"),
            setters: Once::new("setters"),
            ignored: Vec::new(),
        };
        each_config(cx, attributes, |cx, meta| {
            let at = meta.path.clone();
            // #[config(validate = Self::check)]
            if at.is_ident("validate") {
                this.validate.set(cx, &at, path(&meta)?);
            // #[config(get_config = Self::adjust)]
            } else if at.is_ident("get_config") {
                this.get_config.set(cx, &at, path(&meta)?);
            // #[config(from_config = upgrade)]
            } else if at.is_ident("from_config") {
                this.from_config.set(cx, &at, path(&meta)?);
            // #[config(class_name = "Dense")]
            } else if at.is_ident("class_name") {
                this.class_name.set(cx, &at, string(&meta)?);
            // #[config(rename_all = "snake_case")]
            } else if at.is_ident("rename_all") {
                this.rename_all.set(cx, &at, string(&meta)?);
            // #[config(allow_unknown)]
            } else if at.is_ident("allow_unknown") {
                this.allow_unknown.set(cx, &at, ());
            // #[config(new)], #[config(new(equation, output_shape))]
            } else if at.is_ident("new") {
                let order = if meta.input.peek(syn::token::Paren) { idents(&meta)? } else { Vec::new() };
                this.new.set(cx, &at, order);
            // #[config(setters)]
            } else if at.is_ident("setters") {
                this.setters.set(cx, &at, ());
            // #[config(ignore("time_major"))]
            } else if at.is_ident("ignore") {
                this.ignored.extend(list(&meta)?);
            } else {
                return Err(unknown(
                    &meta,
                    "`new`, `setters`, `validate`, `get_config`, `from_config`, `class_name`, `rename_all`, `allow_unknown`, `ignore`",
                ));
            }
            Ok(())
        });
        this
    }
}

impl TypeAttributes {
    /// Refuses, on an enum, what only a struct can have.
    pub fn refuse_on_enum(&self, cx: &mut Ctxt, ident: &syn::Ident) {
        let given = [
            ("validate", self.validate.is_set()),
            ("get_config", self.get_config.is_set()),
            ("from_config", self.from_config.is_set()),
            ("class_name", self.class_name.is_set()),
            ("allow_unknown", self.allow_unknown.is_set()),
            ("new", self.new.is_set()),
            ("setters", self.setters.is_set()),
            ("ignore", !self.ignored.is_empty()),
        ];
        for (name, _) in given.iter().filter(|(_, given)| *given) {
            cx.error(ident, format!("`{name}` is for structs; an enum is a string in configurations"));
        }
    }
}

/// The class name that a type's attributes give; errors are the derive's to report.
pub fn class_name(attributes: &[Attribute]) -> Option<LitStr> {
    let parsed = TypeAttributes::parse(&mut Ctxt::default(), attributes);
    parsed.class_name.get().cloned()
}

impl VariantAttributes {
    /// Reads a variant's attributes.
    pub fn parse(cx: &mut Ctxt, attributes: &[Attribute]) -> Self {
        let mut this = Self { rename: Once::new("rename"), aliases: Vec::new() };
        each_config(cx, attributes, |cx, meta| {
            let at = meta.path.clone();
            // #[config(rename = "channels_last")]
            if at.is_ident("rename") {
                this.rename.set(cx, &at, string(&meta)?);
            // #[config(alias = "tf")]
            } else if at.is_ident("alias") {
                this.aliases.push(string(&meta)?);
            } else {
                return Err(unknown(&meta, "`rename`, `alias`"));
            }
            Ok(())
        });
        this
    }
}
