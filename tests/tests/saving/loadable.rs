//! Everything saved can be loaded: what loading would refuse is an error on saving.

use std::path::Path;

use keras_serial::prelude::*;
use keras_serial::saving::Limits;

/// A layer that wraps another.
#[register(package = "Loadable")]
#[derive(KerasSerializable)]
#[keras(new)]
struct Around {
    base: LayerBase,
    inner: LayerRef,
}

impl Layer for Around {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.inner.call(inputs.inputs()?, cx)
    }
}

fn wrapped(levels: usize) -> Model {
    let dense = Dense::new(2).name("core").shared();
    let layer = (1..levels).fold(dense, |inner, _| Around::new(inner).shared());
    Sequential::new([Input::new([3]).layer(), layer]).unwrap()
}

fn nested(levels: usize) -> Model {
    let innermost = Sequential::new([Input::new([3]).layer(), Dense::new(2).shared()]).unwrap();
    (1..levels).fold(innermost, |inner, _| Sequential::new([Input::new([3]).layer(), inner.into()]).unwrap())
}

fn outputs(model: &Model) -> Vec<f32> {
    model.predict(Tensor::from_slice(&[1.0f32, -2.0, 0.5], [1, 3]).unwrap()).unwrap().to_vec().unwrap()
}

fn forms(folder: &Path) -> Vec<std::path::PathBuf> {
    ["m.keras", "m.h5", "directory"].map(|name| folder.join(name)).into()
}

fn save(options: &SaveOptions, model: &Model, path: &Path) -> Result<()> {
    options.clone().zipped(path.extension().is_some()).save_model(model, path)
}

#[test]
fn models_that_are_nested_too_deeply_are_refused_when_saved_or_load() {
    let mut refused = 0;
    for make in [wrapped, nested] {
        for levels in [10, 61, 62, 63, 64, 65, 66, 70, 90] {
            let model = make(levels);
            let home = tempfile::tempdir().unwrap();
            for path in forms(home.path()) {
                match save(&SaveOptions::new(), &model, &path) {
                    Ok(()) => assert_eq!(outputs(&load_model(&path).unwrap()), outputs(&model), "{levels} {path:?}"),
                    Err(error) => {
                        refused += 1;
                        assert!(levels > 60, "{levels}: {error}");
                        assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
                        assert!(error.to_string().contains("`SaveOptions::limits`"), "{error}");
                        assert!(!path.exists());
                    }
                }
            }
        }
    }
    assert!(refused > 12, "{refused}");
}

#[test]
fn limits_of_nesting_are_options_of_saving_and_loading() {
    let limits = Limits::default().with_max_nesting(200).with_max_json_depth(512).with_max_depth(512);
    let (saving, loading) = (SaveOptions::new().limits(limits.clone()), LoadOptions::new().limits(limits));
    for model in [wrapped(100), nested(80)] {
        let home = tempfile::tempdir().unwrap();
        for path in forms(home.path()) {
            save(&saving, &model, &path).unwrap();
            let error = load_model(&path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
            assert_eq!(outputs(&loading.load_model(&path).unwrap()), outputs(&model), "{path:?}");
        }
        let weights = home.path().join("m.weights.h5");
        saving.save_weights(&model, &weights).unwrap();
        loading.load_weights(&model, &weights).unwrap();
    }
}

#[test]
fn a_configuration_that_is_too_long_to_be_read_is_not_saved() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("m.keras");
    for limits in [Limits::default().with_max_config_bytes(100), Limits::default().with_max_config_items(10)] {
        let error = SaveOptions::new().limits(limits).save_model(&crate::small(), &path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
        assert!(error.path().ends_with("m.keras/config.json"), "{error}");
    }
    assert!(!path.exists());
}

mod one {
    use super::*;

    #[register(package = "LoadableTwice", name = "Same")]
    #[derive(KerasSerializable)]
    #[keras(new)]
    pub struct First {
        base: LayerBase,
    }

    impl Layer for First {
        fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
            Ok(inputs.tensor()?.clone().into())
        }
    }

    #[register(package = "LoadableTwice", name = "same_function")]
    pub fn first(x: &Tensor) -> Result<Tensor> {
        ops::multiply(x, 2.0)
    }
}

mod two {
    use super::*;

    #[register(package = "LoadableTwice", name = "Same")]
    #[derive(KerasSerializable)]
    pub struct Second {
        base: LayerBase,
    }

    impl Layer for Second {
        fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
            Ok(inputs.tensor()?.clone().into())
        }
    }

    #[register(package = "LoadableTwice", name = "same_function")]
    pub fn second(x: &Tensor) -> Result<Tensor> {
        ops::multiply(x, 3.0)
    }
}

#[test]
fn names_that_are_registered_twice_are_not_saved() {
    let home = tempfile::tempdir().unwrap();
    let function = Dense::new(2).activation(one::first).shared();
    for layer in [one::First::new().shared(), function] {
        let model = crate::sequential([layer], 3);
        for path in forms(home.path()) {
            let error = save(&SaveOptions::new(), &model, &path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::DuplicateObject, "{error}");
            assert!(error.path().contains("config/layers"), "{error}");
            // Both places of each name that is registered twice.
            assert_eq!(error.to_string().matches("loadable.rs:").count(), 4, "{error}");
            assert!(!path.exists());
        }
    }
}
