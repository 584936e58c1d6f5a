//! Rules that span several attributes or fields.

use std::collections::HashMap;

use crate::ast::{Field, Role, Struct};
use crate::ctxt::Ctxt;

/// Checks all rules.
pub fn check(cx: &mut Ctxt, input: &Struct<'_>) {
    one_role(cx, input);
    state_has_no_config(cx, input);
    one_conversion(cx, input);
    distinct_names(cx, input);
    one_base(cx, input);
    setters_for_defaults(cx, input);
    order_of_arguments(cx, input);
    no_lifetimes(cx, input);
    if let Some(rename_all) = input.attributes.rename_all.get() {
        cx.error(rename_all, "`rename_all` is for enums");
    }
}

/// A field is a weight, a sublayer, the base or skipped: one of them.
fn one_role(cx: &mut Ctxt, input: &Struct<'_>) {
    for field in &input.fields {
        let a = &field.attributes;
        let roles = [
            a.weight.is_set(),
            a.sublayer.is_set(),
            a.seed_generator.is_set(),
            a.base.is_set(),
            a.skip.is_set(),
            a.base_or_null.is_set(),
        ];
        if roles.iter().filter(|role| **role).count() > 1 {
            cx.error(field.ident, "a field can only be one of `#[weight]`, `#[sublayer]`, `#[seed_generator]`, `#[base]`, `#[config(skip)]` and `#[config(base_or_null)]`");
        }
    }
}

/// What is not in the configuration can't say how it is written there.
fn state_has_no_config(cx: &mut Ctxt, input: &Struct<'_>) {
    for field in input.fields.iter().filter(|field| field.role != Role::Config) {
        let a = &field.attributes;
        let given = [
            a.serde.is_set(),
            // A base takes from its default what the configuration leaves out.
            a.default.is_set() && field.role != Role::Base,
            a.rename.is_set(),
            !a.aliases.is_empty(),
            a.with.is_set(),
            a.skip_if.is_set(),
        ];
        if given.contains(&true) {
            cx.error(field.ident, "this field is not in the configuration, so `default`, `rename`, `alias`, `with`, `serde` and `skip_if` mean nothing here");
        }
    }
}

/// Only one way of conversion.
fn one_conversion(cx: &mut Ctxt, input: &Struct<'_>) {
    for field in &input.fields {
        if field.attributes.serde.is_set() && field.attributes.with.is_set() {
            cx.error(field.ident, "`serde` and `with` exclude one another");
        }
        if field.attributes.skip_if.is_set() && !field.attributes.default.is_set() {
            cx.error(field.ident, "`skip_if` needs a `default`: what is left out must be found again");
        }
    }
}

/// No two entries of one name.
fn distinct_names(cx: &mut Ctxt, input: &Struct<'_>) {
    let mut seen: HashMap<String, ()> = HashMap::new();
    for field in input.fields.iter().filter(|field| field.role == Role::Config) {
        let aliases = field.attributes.aliases.iter().map(syn::LitStr::value);
        for name in std::iter::once(field.name()).chain(aliases) {
            if let Some(ignored) = input.attributes.ignored.iter().find(|ignored| ignored.value() == name) {
                cx.error(ignored, format!("`{name}` is a field's entry and can't be ignored"));
            }
            if input.base().is_some() && ["name", "trainable", "dtype"].contains(&name.as_str()) {
                cx.error(field.ident, format!("`{name}` is an entry of the base"));
            }
            if seen.insert(name.clone(), ()).is_some() {
                cx.error(field.ident, format!("two entries are called `{name}`"));
            }
        }
    }
}

/// Objects are shared, and outlive what made them.
fn no_lifetimes(cx: &mut Ctxt, input: &Struct<'_>) {
    for lifetime in input.input.generics.lifetimes() {
        cx.error(
            lifetime,
            "an object made from a configuration borrows from nothing: its fields have to own their data",
        );
    }
}

/// At most one base.
fn one_base(cx: &mut Ctxt, input: &Struct<'_>) {
    for field in input.fields.iter().filter(|field| field.role == Role::Base).skip(1) {
        cx.error(field.ident, "a type has one base");
    }
}

/// Only what has a default can be set after `new`.
fn setters_for_defaults(cx: &mut Ctxt, input: &Struct<'_>) {
    for field in input.fields.iter().filter(|field| field.attributes.no_setter.is_set()) {
        if !input.attributes.setters.is_set() || !field.attributes.default.is_set() {
            cx.error(field.ident, "`no_setter` is for fields with a `default` of a type with `#[config(setters)]`");
        }
    }
}

/// The order of `new`'s arguments names all of them, and nothing else.
fn order_of_arguments(cx: &mut Ctxt, input: &Struct<'_>) {
    let Some(order) = input.attributes.new.get().filter(|order| !order.is_empty()) else { return };
    let is_argument = |field: &&Field<'_>| field.role == Role::Config && !field.attributes.default.is_set();
    let arguments: Vec<_> = input.fields.iter().filter(is_argument).map(|field| field.ident).collect();
    for name in order.iter().filter(|name| !arguments.contains(name)) {
        cx.error(name, "an argument of `new` is a field of the configuration without a default");
    }
    for missing in arguments.iter().filter(|field| !order.contains(field)) {
        cx.error(missing, "this field has no default, so `new(…)` must name it too");
    }
}
