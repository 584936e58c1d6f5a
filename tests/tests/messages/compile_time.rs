//! Mistakes that the compiler reports: the texts are those of the compile-fail cases in `ui`.

use std::path::Path;

use crate::Page;

/// The cases, and what the mistake is.
const CASES: [(&str, &str); 24] = [
    ("missing_traits/no_derive", "A layer without `#[derive(KerasSerializable)]`."),
    ("missing_traits/no_base", "A layer without the field `base: LayerBase`."),
    ("missing_traits/optimizer_without_base", "An optimizer without the field `base: OptimizerBase`."),
    ("missing_traits/base_of_another_name", "A base behind an alias: `base: Base`."),
    ("missing_traits/unshared_fields", "Fields of `Cell`, `RefCell`, `Rc` and functions."),
    ("missing_traits/field_types", "A `HashMap`, and fields of other types that no configuration holds."),
    ("missing_traits/layers_in_fields", "A layer or model of its own type as a field."),
    ("missing_traits/sublayer_without_init", "A layer inside that nothing makes."),
    ("missing_traits/default", "State without `Default`."),
    ("missing_traits/argument_types", "A number as an activation."),
    ("missing_traits/learning_rate_as_text", "`learning_rate(\"0.1\")`"),
    ("missing_traits/losses_by_output", "Losses by output as a list of pairs."),
    ("missing_traits/functions_as_losses", "A function as a loss."),
    ("missing_traits/arguments_of_calls", "A list of numbers, a tuple, or a `Result` for a call."),
    ("missing_traits/data_of_fit", "A list of inputs and targets for `fit`."),
    ("missing_traits/lists_of_layers", "A list of layers that are not shared."),
    ("missing_traits/layer_called_twice", "A second `apply` of a layer that is not shared."),
    ("missing_traits/activation_as_layer", "`Activation::new(\"relu\")` for the layer."),
    ("lost_state/unmarked_weight", "A weight without its mark."),
    ("lost_state/unmarked_sublayer", "A layer inside without its mark."),
    ("lost_state/skipped_layer", "A layer that is skipped."),
    ("malformed_values/default_of_another_type", "A default of another type."),
    ("unknown_attributes/misspelt", "Misspelt attributes."),
    ("unsupported_items/register_generic_struct", "A generic struct that is registered."),
];

/// Cases of which the compiler alone tells, and what to do about them.
const OF_THE_COMPILER: [(&str, &str, &str); 4] = [
    (
        "of_the_compiler/array_of_layers",
        "`Sequential::new([Input::new([4]), Dense::new(3)])`: an array has items of one type.",
        "Write `layers![Input::new([4]), Dense::new(3)]`.",
    ),
    (
        "of_the_compiler/call_that_returns_a_tensor",
        "A `call` that returns one tensor: several outputs are possible, so that it returns a structure.",
        "Write `ops::relu(inputs.tensor()?).map(Into::into)`.",
    ),
    (
        "of_the_compiler/operator_after_a_result",
        "An operator after a result: operators on tensors can fail.",
        "Write `(a + b)? * 2.0`.",
    ),
    (
        "of_the_compiler/state_that_call_changes",
        "A field that `call` changes: layers are shared, also between threads.",
        "Take an atomic type or a `Mutex`, or, for what is to be saved, a weight with `trainable(false)`.",
    ),
];

pub fn add(page: &mut Page) {
    page.section("What the compiler says");
    for (case, mistake) in CASES {
        page.entry(mistake, &shortened(&text_of(case)));
    }
    for (case, mistake, advice) in OF_THE_COMPILER {
        page.entry(mistake, &shortened(&text_of(case)));
        page.advice(advice);
    }
}

fn text_of(case: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/ui/{case}.stderr"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{case}: {error}"))
}

/// Returns the messages, their labels, and what the library says about them, in notes and in comments; each once.
fn shortened(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut is_of_the_library = false;
    for line in text.lines() {
        if line.trim_start().starts_with("-->") {
            is_of_the_library = line.contains("$WORKSPACE");
        }
        let message = line.strip_prefix("error").and_then(|rest| rest.split_once(": ")).map(|(_, message)| message);
        let note = line.trim_start().strip_prefix("= note: ").filter(|note| !is_of_the_compiler(note));
        let label = line.trim_start().split_once("^ ").map(|(_, label)| label.trim());
        let label = label.filter(|label| !is_of_the_library && is_a_label(label));
        let comment = line.split_once(", // ").map(|(_, comment)| comment).filter(|_| is_of_the_library);
        let line = match (message, label.or(note).or(comment)) {
            (Some(message), _) => format!("error: {message}"),
            (_, Some(text)) => format!("    {text}"),
            _ => continue,
        };
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.join("\n")
}

fn is_of_the_compiler(note: &str) -> bool {
    ["required for", "this error originates", "1 redundant", "the full name", "consider using", "expected enum"]
        .iter()
        .any(|start| note.starts_with(start))
}

fn is_a_label(label: &str) -> bool {
    let of_the_compiler = ["required by", "the trait `", "unsatisfied trait bound", "evaluation of"];
    !label.is_empty() && !of_the_compiler.iter().any(|start| label.starts_with(start))
}
