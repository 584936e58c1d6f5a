//! Warnings: the events of `tracing` where Keras calls `warnings.warn`.

use std::sync::{Arc, Mutex};

use keras_serial::callbacks::EarlyStopping;
use keras_serial::models::{Functional, Sequential};
use keras_serial::prelude::*;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::numbers;

/// Collects the texts of warnings.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<String>>>);

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::WARN && metadata.target().starts_with("keras_serial")
    }

    fn event(&self, event: &Event<'_>) {
        struct Text<'a>(&'a mut Vec<String>);
        impl Visit for Text<'_> {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                if field.name() == "message" {
                    self.0.push(format!("{value:?}"));
                }
            }
        }
        event.record(&mut Text(&mut self.0.lock().unwrap()));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Runs `work` and returns the warnings.
fn warnings_of(work: impl FnOnce()) -> Vec<String> {
    let collector = Collector::default();
    tracing::subscriber::with_default(collector.clone(), work);
    let texts = collector.0.lock().unwrap();
    texts.clone()
}

#[track_caller]
fn assert_one(warnings: &[String], part: &str) {
    assert!(matches!(warnings, [one] if one.contains(part)), "{part}: {warnings:?}");
}

fn dense(units: usize) -> Model {
    Sequential::new([Input::new([3]).layer(), Dense::new(units).name("dense").shared()]).unwrap()
}

fn compiled(model: &Model, optimizer: &str) {
    model.compile(Compile::new(optimizer, "mse")).unwrap();
}

// keras.layers.Flatten()(keras.layers.Embedding(5, 2, mask_zero=True)(np.array([[1, 0]]))) warns; Dense does not
#[test]
fn a_mask_that_ends_gives_one_warning() {
    let ids = Tensor::from_slice(&[1i32, 0], [1, 2]).unwrap();
    let masked = Embedding::new(5, 2).mask_zero(true).shared().apply(&ids).unwrap();
    let flatten = Flatten::new().name("ends").shared();
    let warnings = warnings_of(|| {
        Dense::new(2).shared().apply(&masked).unwrap();
        flatten.apply(&masked).unwrap();
        flatten.apply(&masked).unwrap();
    });
    assert_one(&warnings, "Layer 'ends' (of type Flatten) was passed an input with a mask attached to it");
}

#[test]
fn weights_that_are_left_out_give_a_warning() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("model.weights.h5");
    dense(2).save_weights(&path).unwrap();
    let load = |options: LoadOptions, model: &Model| warnings_of(|| drop(options.load_weights(model, &path).unwrap()));
    assert_one(&load(LoadOptions::new().skip_mismatch(true), &dense(4)), "2 of another shape");
    assert!(load(LoadOptions::new(), &dense(2)).is_empty());
}

#[test]
fn an_optimizer_that_starts_anew_gives_a_warning() {
    let (x, y) = (numbers(&[4, 3]), numbers(&[4, 2]));
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("model.weights.h5");
    let trained = |optimizer: &str| {
        let model = dense(2);
        compiled(&model, optimizer);
        model.fit((&x, &y), Fit::new().verbose(0)).unwrap();
        model
    };
    trained("adam").save_weights(&path).unwrap();
    let other = trained("sgd");
    assert_one(&warnings_of(|| drop(other.load_weights(&path).unwrap())), "the optimizer `sgd");
}

#[test]
fn a_weight_without_gradient_gives_one_warning() {
    let layer = Dense::new(1).name("half").shared();
    layer.build(&[1, 2].into()).unwrap();
    let optimizer = Optimizer::from("sgd");
    let gradient = Tensor::from_slice(&[1.0f32, 1.0], [2, 1]).unwrap();
    let step = || optimizer.apply(&[Some(gradient.clone()), None], &layer.weights()).unwrap();
    let warnings = warnings_of(|| {
        step();
        step();
    });
    assert_one(&warnings, "Gradients do not exist for variables [half/bias]");
}

#[test]
fn training_without_trainable_weights_gives_a_warning() {
    let model = dense(2);
    model.set_trainable(false);
    compiled(&model, "sgd");
    let fit = || drop(model.fit((&numbers(&[4, 3]), &numbers(&[4, 2])), Fit::new().epochs(2).verbose(0)).unwrap());
    assert_one(&warnings_of(fit), "The model does not have any trainable weights");
}

#[test]
fn data_that_end_early_give_a_warning() {
    let model = dense(2);
    compiled(&model, "sgd");
    let data = (&numbers(&[4, 3]), &numbers(&[4, 2]));
    let fit = |steps| Fit::new().batch_size(2).epochs(1).steps_per_epoch(steps).verbose(0);
    assert!(warnings_of(|| drop(model.fit(data, fit(2)).unwrap())).is_empty());
    assert_one(&warnings_of(|| drop(model.fit(data, fit(5)).unwrap())), "Your input ran out of data");
}

#[test]
fn keys_that_are_no_names_give_a_warning() {
    let input = |name: &str| Input::new([3]).name(name).tensor().unwrap();
    let build = |name: &str| {
        let x = input(name);
        let y = Dense::new(1).apply(&x).unwrap();
        drop(Functional::new(Nested::dict([("features", x)]), y).unwrap());
    };
    assert!(warnings_of(|| build("features")).is_empty());
    assert_one(&warnings_of(|| build("other")), "Received key 'features'");
}

#[test]
fn a_layer_that_stays_unquantized_gives_a_warning() {
    let layers = [Input::new([3]).layer(), BatchNormalization::new().name("norm").shared(), Dense::new(2).shared()];
    let model = Sequential::new(layers).unwrap();
    assert_one(&warnings_of(|| drop(model.quantize("int8").unwrap())), "Layer 'norm' is not quantized");
}

#[test]
fn a_callback_that_watches_nothing_gives_a_warning() {
    let model = dense(2);
    compiled(&model, "sgd");
    let fit = Fit::new().verbose(0).callback(EarlyStopping::new().monitor("val_loss"));
    let (x, y) = (numbers(&[4, 3]), numbers(&[4, 2]));
    assert_one(&warnings_of(|| drop(model.fit((&x, &y), fit).unwrap())), "Early stopping conditioned on metric");
}

// keras.Sequential([keras.layers.Dense(2)]).save("m.keras") warns
#[test]
fn saving_a_model_that_is_not_built_gives_a_warning() {
    let save = |model: &Model| warnings_of(|| drop(SaveOptions::new().save_model_to_bytes(model).unwrap()));
    assert!(save(&dense(2)).is_empty());
    let unbuilt = Sequential::new(layers![Dense::new(2)]).unwrap();
    assert_one(&save(&unbuilt), "You are saving a model that has not yet been built");
}

// keras.saving.load_model warns: "Skipping variable loading for optimizer"
#[test]
fn a_file_without_the_state_of_its_optimizer_gives_a_warning() {
    let home = tempfile::tempdir().unwrap();
    let (whole, without) = (home.path().join("whole.keras"), home.path().join("without.keras"));
    let model = dense(2);
    compiled(&model, "adam");
    model.fit((&numbers(&[4, 3]), &numbers(&[4, 2])), Fit::new().verbose(0)).unwrap();
    model.save(&whole).unwrap();
    let mut editor = keras_serial::saving::FileEditor::open(&whole).unwrap();
    editor.delete_object("optimizer").unwrap();
    editor.save(&without).unwrap();
    let load = |path| warnings_of(|| drop(load_model(path).unwrap()));
    assert!(load(&whole).is_empty());
    assert_one(&load(&without), "the file has no state of the optimizer `adam");
}
