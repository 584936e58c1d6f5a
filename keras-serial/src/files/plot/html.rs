//! Writes a page of HTML that needs no network: the graph with nested models folded and unfolded, each nested model by
//! itself, and the configuration of each layer.
//!
//! All text of the file is escaped; nothing of it is part of the script, and the page's policy allows no requests.

use std::collections::HashMap;
use std::fmt::Write;

use super::cost::MAX_BOXES;
use super::facts::Facts;
use super::family::Family;
use super::form::Form;
use super::graph::{Graph, LayerBox};
use super::label::Label;
use super::layout::{Texts, place};
use super::options::PlotOptions;
use super::svg::{self, Frame, Marks};
use super::text::{escape, shorten};
use crate::error::{Error, ErrorKind, Result};
use crate::json::{Dict, Value};

/// The maximum number of layers of a page, including those in nested models.
const MAX_LAYERS: usize = 4000;
/// The maximum number of characters of a layer's configuration, beyond which its middle is left out.
const LONGEST_CONFIG: usize = 16_384;

/// The maximum number of items of a list in a layer's configuration.
const LONGEST_LIST: usize = 200;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// A layer of the page with what its details show.
struct Entry<'a> {
    form: Form<'a>,
    facts: &'a Facts,
    /// The names of the models around it and its own.
    path: String,
    /// The index of the entry of the model around it.
    parent: usize,
}

/// The entries of a page, in the order of the configuration; the first is the model itself.
struct Page<'a> {
    entries: Vec<Entry<'a>>,
    /// Entries by the address of their facts, which stay where they are while the page is written.
    by_facts: HashMap<*const Facts, usize>,
}

/// Returns the page.
pub(super) fn write(form: Form, facts: &Facts, options: &PlotOptions) -> Result<String> {
    let mut page = Page { entries: Vec::new(), by_facts: HashMap::new() };
    page.add(form, facts, "", 0)?;
    let is_model = |entry: &Entry| !entry.facts.layers.is_empty();
    let nested: Vec<usize> =
        (1..page.entries.len()).filter(|index| page.entries.get(*index).is_some_and(is_model)).collect();

    let title = escape(&shorten(form.name(), 256));
    // Writing to a string does not fail.
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title}</title>\n<style>\n{STYLE}{}\n</style></head>\n<body>\n<header><h1>{title}</h1>",
        svg::STYLE
    );
    let folded = options.clone().expand_nested(false);
    let mut views = page.view("v0", form, facts, &folded, None)?;
    let mut first = "v0";
    if !nested.is_empty() {
        let unfolded = options.clone().expand_nested(true);
        match page.view("unfolded", form, facts, &unfolded, None) {
            Ok(view) => {
                views.push_str(&view);
                out.push_str("<nav><button data-open=\"v0\">Folded</button><button data-open=\"unfolded\">Unfolded</button></nav>");
                if options.expand_nested {
                    first = "unfolded";
                }
            }
            Err(error) if error.kind() == ErrorKind::Limit => {
                let _ = write!(out, "<p>Nested models cannot be unfolded: {}</p>", escape(&error.to_string()));
            }
            Err(error) => return Err(error),
        }
    }
    let inner = PlotOptions { layer_range: None, ..folded };
    for index in nested {
        if let Some(entry) = page.entries.get(index) {
            views.push_str(&page.view(&format!("v{index}"), entry.form, entry.facts, &inner, Some(entry))?);
        }
    }
    out.push_str(&page.legend());
    let _ = write!(out, "</header>\n<main data-first=\"{first}\">\n{views}</main>\n<aside aria-live=\"polite\">");
    out.push_str("<p id=\"hint\">Click a layer to see its configuration.</p>\n");
    for (index, entry) in page.entries.iter().enumerate() {
        details(index, entry, &mut out);
    }
    let _ = writeln!(out, "</aside>\n<script>\n{SCRIPT}</script>\n</body></html>");
    Ok(out)
}

impl<'a> Page<'a> {
    fn add(&mut self, form: Form<'a>, facts: &'a Facts, path: &str, parent: usize) -> Result<()> {
        let index = self.entries.len();
        if index > MAX_LAYERS {
            return Err(Error::new(ErrorKind::Limit, "the model has too many layers for a page")
                .expected(format!("at most {MAX_LAYERS}"))
                .hint("DOT, which Graphviz lays out, may be larger"));
        }
        let name = shorten(form.name(), 64);
        let path = if path.is_empty() { name } else { shorten(&format!("{path} / {name}"), 512) };
        self.by_facts.insert(std::ptr::from_ref(facts), index);
        self.entries.push(Entry { form, facts, path: path.clone(), parent });
        form.layers().zip(&facts.layers).try_for_each(|(layer, facts)| self.add(layer, facts, &path, index))
    }

    /// Returns the view of a model; that of a nested one has the way back to the model around it.
    fn view(
        &self,
        id: &str,
        form: Form,
        facts: &Facts,
        options: &PlotOptions,
        nested: Option<&Entry>,
    ) -> Result<String> {
        let options = PlotOptions { show_layer_names: true, ..options.clone() };
        let graph = Graph::build(form, facts, &options, MAX_BOXES)?;
        let texts: Vec<Texts> = graph.boxes.iter().map(|layer| Texts::of(&layer.label)).collect();
        let layout = place(&graph, &texts, options.rankdir)?;
        let frame = Frame {
            title: form.name().to_owned(),
            prefix: format!("{id}-"),
            is_opaque: false,
            has_style: false,
            is_fitted: true,
        };
        let back = nested.map(|entry| {
            let path = escape(&entry.path);
            format!("<h2><button data-open=\"v{}\">Back</button> {path}</h2>", entry.parent)
        });
        let picture = svg::write(&graph, &layout, &texts, &frame, self);
        Ok(format!("<section class=\"view\" id=\"{id}\" hidden>{}\n{picture}</section>\n", back.unwrap_or_default()))
    }

    /// Returns the families that the model has, with their colours.
    fn legend(&self) -> String {
        let mut families: Vec<Family> = Vec::new();
        for entry in self.entries.iter().skip(1) {
            let family = Family::of(entry.form.0, entry.form.class());
            if !families.contains(&family) {
                families.push(family);
            }
        }
        let items = families
            .iter()
            .map(|family| format!("<span><i style=\"background:{}\"></i>{}</span>", family.colour(), family.name()));
        format!("<div class=\"legend\">{}</div>", items.collect::<String>())
    }
}

impl Marks for Page<'_> {
    fn attributes(&self, layer: &LayerBox) -> String {
        let Some(index) = self.by_facts.get(&std::ptr::from_ref(layer.facts)) else { return String::new() };
        let view = if layer.facts.layers.is_empty() { String::new() } else { format!(" data-view=\"v{index}\"") };
        format!(" tabindex=\"0\" role=\"button\" data-layer=\"d{index}\"{view}")
    }
}

fn details(index: usize, entry: &Entry, out: &mut String) {
    let form = entry.form;
    let (path, class) = (escape(&entry.path), escape(&shorten(form.class(), 256)));
    let registered = form.0.get("registered_name").and_then(Value::as_str).filter(|name| name.contains('>'));
    let module = registered.or_else(|| form.0.get("module")?.as_str());
    let module = escape(&shorten(module.unwrap_or_default(), 256));
    let _ = write!(out, "<section id=\"d{index}\" hidden><h2>{path}</h2><p>{class} <small>{module}</small></p>");
    if index > 0 && !entry.facts.layers.is_empty() {
        let count = entry.facts.layers.len();
        let _ = write!(out, "<p><button data-open=\"v{index}\">Unfold its {count} layers</button></p>");
    }
    let all = PlotOptions::new().show_shapes(true).show_dtype(true).show_trainable(true);
    let label = Label::of(form, entry.facts, &all);
    out.push_str("<dl>");
    for (key, value) in label.lines.iter().filter(|(_, value)| value != "?") {
        let _ = write!(out, "<dt>{key}</dt><dd>{}</dd>", escape(value));
    }
    if let Some(is_trainable) = label.trainable {
        let _ = write!(out, "<dt>Trainable</dt><dd>{}</dd>", if is_trainable { "yes" } else { "no" });
    }
    let config = form.config().map(|config| shorten(&own_config(config).to_json_pretty(2), LONGEST_CONFIG));
    let _ = writeln!(out, "</dl><pre>{}</pre></section>", escape(&config.unwrap_or_default()));
}

/// Returns a configuration without the layers of a model, which have details of their own, and without most of long
/// texts and lists.
fn own_config(config: &Dict) -> Value {
    let own = config.iter().filter(|(key, value)| key.as_str() != "layers" || value.as_list().is_none());
    Value::Dict(own.map(|(key, value)| (shorten(key, 256), brief(value))).collect())
}

fn brief(value: &Value) -> Value {
    match value {
        Value::Str(text) => Value::Str(shorten(text, 1000)),
        Value::List(items) => {
            let left_out = items.len().saturating_sub(LONGEST_LIST);
            let note = (left_out > 0).then(|| Value::Str(format!("… ({left_out} items left out)")));
            Value::List(items.iter().take(LONGEST_LIST).map(brief).chain(note).collect())
        }
        Value::Dict(entries) => {
            let entries = entries.iter().take(LONGEST_LIST).map(|(key, value)| (shorten(key, 256), brief(value)));
            Value::Dict(entries.collect())
        }
        value => value.clone(),
    }
}
