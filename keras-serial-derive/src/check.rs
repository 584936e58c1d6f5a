//! Checks rules that involve several attributes or fields, and reports each at the attribute that breaks
//! it.

use std::collections::HashSet;

use syn::Path;

use crate::ast::{Field, Role, Struct};
use crate::ctxt::Ctxt;
use crate::names::{self, Name};

/// Checks all rules.
pub fn check(cx: &mut Ctxt, input: &Struct<'_>) {
    for field in &input.fields {
        one_role(cx, field);
        state_has_no_config(cx, field);
        one_conversion(cx, field);
    }
    distinct_names(cx, input);
    one_base(cx, input);
    setters_for_defaults(cx, input);
    order_of_arguments(cx, input);
    default_of_the_type(cx, input);
    model_has_base(cx, input);
    upgrades_have_a_version(cx, input);
    no_lifetimes(cx, input);
}

/// Checks that functions of older versions come with a version, and that it is a number from 1.
fn upgrades_have_a_version(cx: &mut Ctxt, input: &Struct<'_>) {
    let a = &input.attributes;
    match a.version.get().map(|version| version.base10_parse::<u32>()) {
        None => {
            for (name, at) in [a.upgrade.given(), a.infer_version.given()].into_iter().flatten() {
                cx.error(
                    at,
                    format!("`{name}` needs `{} = …`, the version of the type's configurations", names::VERSION),
                );
            }
        }
        Some(Ok(1..)) => {}
        Some(_) => {
            if let Some((_, at)) = a.version.given() {
                cx.error(at, "a version is a number from 1");
            }
        }
    }
}

/// Checks that a field is only one of: a weight, a sublayer, the base, skipped.
fn one_role(cx: &mut Ctxt, field: &Field<'_>) {
    let a = &field.attributes;
    let roles = [
        a.weight.given(),
        a.sublayer.given(),
        a.seed_generator.given(),
        a.base.given(),
        a.skip.given(),
        a.untracked.given(),
        a.base_or_null.given(),
    ];
    let given: Vec<(Name, &Path)> = roles.into_iter().flatten().collect();
    if let [first, .., (_, last)] = given.as_slice() {
        let others: Vec<String> = given.iter().skip(1).map(|(name, _)| format!("`{name}`")).collect();
        cx.error(
            last,
            format!("a field has one role, and this one is given as `{}` and {}", first.0, others.join(" and ")),
        );
    }
}

/// Checks that a field outside the configuration has no attributes for it.
fn state_has_no_config(cx: &mut Ctxt, field: &Field<'_>) {
    if field.role == Role::Config {
        return;
    }
    let a = &field.attributes;
    let given = [
        a.serde.given(),
        // The base's default supplies what the configuration omits.
        a.default.given().filter(|_| field.role != Role::Base),
        a.rename.given(),
        a.with.given(),
        a.skip_if.given(),
    ];
    for (name, at) in given.into_iter().flatten() {
        cx.error(at, format!("`{name}` means nothing here: this field is not in the configuration"));
    }
    for alias in &a.aliases {
        cx.error(alias, format!("`{}` means nothing here: this field is not in the configuration", names::ALIAS));
    }
}

/// Checks that a field has only one conversion.
fn one_conversion(cx: &mut Ctxt, field: &Field<'_>) {
    let a = &field.attributes;
    if let (Some(_), Some((_, at))) = (a.serde.given(), a.with.given()) {
        cx.error(at, "`serde` and `with` exclude one another");
    }
    if let (Some((_, at)), None) = (a.skip_if.given(), a.default.given()) {
        cx.error(at, "`skip_if` needs a `default`: what is left out must be found again");
    }
}

/// Checks that no two entries have the same name.
fn distinct_names(cx: &mut Ctxt, input: &Struct<'_>) {
    let mut seen = HashSet::new();
    for field in input.entries() {
        for name in field.names() {
            if let Some(ignored) = input.attributes.ignored.iter().find(|ignored| ignored.value() == name) {
                cx.error(ignored, format!("`{name}` is a field's entry and can't be ignored"));
            }
            if !seen.insert(name.clone()) {
                let alias = field.attributes.aliases.iter().find(|alias| alias.value() == name);
                let message = format!("two entries are called `{name}`");
                match alias.or_else(|| field.attributes.rename.get()) {
                    Some(at) => cx.error(at, message),
                    None => cx.error(field.ident, message),
                }
            }
        }
    }
}

/// Checks that the struct has no lifetimes: objects are shared and must own their data.
fn no_lifetimes(cx: &mut Ctxt, input: &Struct<'_>) {
    for lifetime in input.input.generics.lifetimes() {
        cx.error(
            lifetime,
            "an object made from a configuration borrows from nothing: its fields have to own their data",
        );
    }
}

/// Checks that there is at most one base.
fn one_base(cx: &mut Ctxt, input: &Struct<'_>) {
    for field in input.fields.iter().filter(|field| field.role == Role::Base).skip(1) {
        cx.error(field.ident, "a type has one base");
    }
}

/// Checks that `no_setter` is only on fields with a default, in a struct with `setters`.
fn setters_for_defaults(cx: &mut Ctxt, input: &Struct<'_>) {
    for field in &input.fields {
        let Some((_, at)) = field.attributes.no_setter.given() else { continue };
        if !field.attributes.default.is_set() {
            cx.error(at, "`no_setter` is for fields with a `default`: others have no setter");
        } else if !input.attributes.setters.is_set() {
            cx.error(at, format!("`no_setter` means nothing here: the struct has no `{}`", names::SETTERS));
        }
    }
}

/// Checks that a model has a base.
fn model_has_base(cx: &mut Ctxt, input: &Struct<'_>) {
    if let (Some((name, at)), None) = (input.attributes.model.given(), input.base()) {
        cx.error(at, format!("`{name}` is for layers, which have a field `base: LayerBase`"));
    }
}

/// Returns true if the field is an argument of `new`.
fn is_argument(field: &&Field<'_>) -> bool {
    field.role == Role::Config && !field.attributes.default.is_set()
}

/// Checks that the order of `new`'s arguments names all of them, and nothing else.
fn order_of_arguments(cx: &mut Ctxt, input: &Struct<'_>) {
    let Some(order) = input.attributes.new.get().filter(|order| !order.is_empty()) else { return };
    let arguments: Vec<_> = input.fields.iter().filter(is_argument).map(|field| field.ident).collect();
    for name in order.iter().filter(|name| !arguments.contains(name)) {
        cx.error(name, "an argument of `new` is a field of the configuration without a default");
    }
    for missing in arguments.iter().filter(|field| !order.contains(field)) {
        cx.error(missing, "this field has no default, so `new(…)` must name it too");
    }
}

/// Checks that `Default` is possible: `new` must have no arguments.
fn default_of_the_type(cx: &mut Ctxt, input: &Struct<'_>) {
    let Some((name, at)) = input.attributes.default.given() else { return };
    let required: Vec<String> =
        input.fields.iter().filter(is_argument).map(|field| format!("`{}`", field.ident)).collect();
    if !required.is_empty() {
        cx.error(at, format!("`{name}` needs a default of every field, and there is none of {}", required.join(", ")));
    } else if !input.attributes.new.is_set() {
        cx.error(at, format!("`{name}` is `new()` by another name, so it needs `{}`", names::NEW));
    }
}
