//! Pictures of live models, which know all shapes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::path::Path;

use keras_serial::files::plot::PlotOptions;
use keras_serial::models::plot_model;
use keras_serial::prelude::*;

/// The twin of the class in `make.py`.
#[register(package = "plots", name = "Scale")]
#[derive(KerasSerializable)]
pub struct Scale {
    base: LayerBase,
    #[keras(weight)]
    factor: Weight,
}

impl Layer for Scale {
    fn build(&self, input: &Shape, cx: &mut BuildContext) -> Result<()> {
        self.factor.create(cx, [input.last()?], None, None)
    }
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        ops::multiply(inputs.tensor()?, &self.factor.value()?).map(Into::into)
    }
}

fn all() -> PlotOptions {
    let options = PlotOptions::new().show_shapes(true).show_dtype(true).show_layer_names(true);
    options.show_layer_activations(true).show_trainable(true)
}

#[test]
fn dot_is_that_of_keras_with_all_shapes() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/plot");
    for model in ["sequential", "two_ends", "nested", "shared", "wrappers", "custom"] {
        let loaded = load_model(fixtures.join(format!("{model}.keras"))).unwrap();
        for (name, options) in [("all", all()), ("nested", all().expand_nested(true))] {
            let theirs = std::fs::read_to_string(fixtures.join(format!("{model}.{name}.dot"))).unwrap();
            assert_eq!(plot_model(&loaded, &options).unwrap().to_dot().unwrap(), theirs, "{model} {name}");
        }
    }
}

#[test]
fn models_that_are_not_built_are_drawn_without_shapes() {
    let model = Sequential::new([Dense::new(2).name("one").into(), Dense::new(1).name("two").into()]).unwrap();
    let dot = plot_model(&model, &all()).unwrap().to_dot().unwrap();
    assert_eq!(dot.matches("Output shape: <b>?</b>").count(), 2);
    model.build([4, 3]).unwrap();
    let dot = plot_model(&model, &all()).unwrap().to_dot().unwrap();
    assert!(dot.contains("Output shape: <b>(4, 2)</b>"), "{dot}");
}
