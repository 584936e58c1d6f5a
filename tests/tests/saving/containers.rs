//! Counterparts of tests in `keras/src/saving/saving_lib_test.py` for layers in lists, tuples and maps.
//! The paths are those of Keras's own files.

use std::sync::OnceLock;

use indexmap::IndexMap;
use keras_serial::models::Functional;
use keras_serial::prelude::*;
use keras_serial::saving::ModelFile;

use crate::fixture;

/// A model with layers in nested lists, and one after them.
macro_rules! nested {
    ($model:ident, $blocks:ty, $init:expr, |$held:ident| $flat:expr) => {
        #[register(package = "test_nested")]
        #[derive(KerasSerializable)]
        #[keras(model, new)]
        struct $model {
            base: LayerBase,
            #[keras(sublayer(init = $init))]
            blocks: $blocks,
            #[keras(sublayer(init = Dense::new(2).shared()))]
            out_layer: LayerRef,
        }

        impl $model {
            fn flat(&self) -> Vec<LayerRef> {
                let $held = &self.blocks;
                $flat.cloned().collect()
            }
        }

        impl Layer for $model {
            fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
                let mut x = inputs.tensor()?.clone();
                for layer in self.flat() {
                    x = layer.call(&x, cx)?.into_single()?;
                }
                self.out_layer.call(&x, cx)
            }
        }
    };
}

fn dense() -> LayerRef {
    Dense::new(4).shared()
}

nested!(Lists, Vec<Vec<LayerRef>>, vec![vec![dense(), dense()], vec![dense(), dense()]], |blocks| blocks
    .iter()
    .flatten());
nested!(Tuples, ((LayerRef, LayerRef), [LayerRef; 2]), ((dense(), dense()), [dense(), dense()]), |blocks| [
    &blocks.0.0,
    &blocks.0.1
]
.into_iter()
.chain(&blocks.1));
nested!(
    Maps,
    IndexMap<String, Vec<LayerRef>>,
    IndexMap::from([("block_b".into(), vec![dense(), dense()]), ("block_a".into(), vec![dense(), dense()])]),
    |blocks| blocks.values().flatten()
);
nested!(Deep, Vec<Vec<Vec<LayerRef>>>, vec![vec![vec![dense(), dense()]]], |blocks| blocks.iter().flatten().flatten());
nested!(Mixed, Vec<(LayerRef, LayerRef)>, vec![(dense(), dense())], |blocks| blocks.iter().flat_map(|(a, b)| [a, b]));
nested!(Gaps, (Vec<LayerRef>, Vec<LayerRef>, LayerRef), (Vec::new(), vec![dense()], dense()), |blocks| blocks
    .1
    .iter()
    .chain([&blocks.2]));

fn x() -> Tensor {
    Tensor::from_slice(&[0.5f32, -1.0, 2.0, 0.25, 1.0, 3.0, -0.5, 0.75], [2, 4]).unwrap()
}

fn predict(model: &Model) -> Vec<f32> {
    model.predict(x()).unwrap().to_vec().unwrap()
}

fn kernel(layer: &LayerRef) -> Vec<f32> {
    layer.weights()[0].read().to_vec().unwrap()
}

fn filled(value: f32) -> Tensor {
    Tensor::from_vec(vec![value; 16], [4, 4]).unwrap()
}

/// Checks that weights that differ between layers are loaded into their layers, and are in the file at
/// `paths`.
fn check(model: Model, flat: impl Fn(&Model) -> Vec<LayerRef>, paths: &[&str]) {
    model.predict(x()).unwrap();
    for (i, layer) in flat(&model).iter().enumerate() {
        layer.weights()[0].assign(&filled(i as f32 + 1.0)).unwrap();
    }
    let bytes = SaveOptions::new().save_model_to_bytes(&model).unwrap();
    let file = ModelFile::from_bytes(bytes.clone(), &Default::default()).unwrap();
    let found = file.weights().unwrap().paths();
    let mut found: Vec<&str> = found.iter().filter_map(|path| path.strip_suffix("/vars/0")).collect();
    found.sort_unstable();
    assert_eq!(found, paths);
    let (loaded, report) = LoadOptions::new().load_model_with_report(bytes).unwrap();
    assert!(report.is_complete(), "{report}");
    for (i, layer) in flat(&loaded).iter().enumerate() {
        assert_eq!(kernel(layer), [i as f32 + 1.0; 16], "the layer {i}");
    }
    assert_eq!(predict(&loaded), predict(&model));
}

macro_rules! check {
    ($model:ident, $paths:expr) => {
        check(Model::from($model::new()), |model| model.as_layer().downcast_ref::<$model>().unwrap().flat(), &$paths)
    };
}

#[test]
fn test_nested_container_layer_saving() {
    let paths = [
        "blocks/container/dense",
        "blocks/container/dense_1",
        "blocks/container_1/dense",
        "blocks/container_1/dense_1",
        "layers/dense_4",
    ];
    check!(Lists, paths);
    check!(Tuples, paths);
    check!(Maps, paths);
    // An empty list counts.
    check!(Gaps, ["blocks/container_1/dense", "blocks/dense", "layers/dense_2"]);
}

#[test]
fn test_deeply_nested_container_layer_saving() {
    check!(Deep, ["blocks/container/container/dense", "blocks/container/container/dense_1", "layers/dense_2"]);
}

#[test]
fn test_mixed_nested_container_layer_saving() {
    check!(Mixed, ["blocks/container/dense", "blocks/container/dense_1", "layers/dense_2"]);
}

/// A list that contains the model that contains the list.
#[register(package = "test_cyclic_container")]
#[derive(KerasSerializable)]
#[keras(model, new)]
struct Cyclic {
    base: LayerBase,
    #[keras(sublayer)]
    blocks: OnceLock<Vec<LayerRef>>,
    #[keras(sublayer(init = Dense::new(2).shared()))]
    out: LayerRef,
}

impl Layer for Cyclic {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.out.call(inputs.inputs()?, cx)
    }
}

fn cyclic() -> Model {
    let layer = Cyclic::new().shared();
    layer.downcast_ref::<Cyclic>().unwrap().blocks.set(vec![layer.clone()]).unwrap();
    let model = Model::from(layer);
    model.predict(x()).unwrap();
    model
}

#[test]
fn test_cyclic_container_saving() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("cyclic_container.keras");
    let model = cyclic();
    assert!(model.layers()[0].is_same(model.as_layer()));
    model.save(&path).unwrap();
    assert_eq!(predict(&load_model(&path).unwrap()), predict(&model));
    let again = cyclic();
    let report = again.load_weights(&path).unwrap();
    assert_eq!(report.applied, ["layers/dense/vars/0", "layers/dense/vars/1"]);
    assert_eq!(predict(&again), predict(&model));
    // What else goes over all layers ends too.
    again.set_trainable(false);
    assert_eq!((again.trainable_weights().len(), again.weights().len()), (0, 2));
    let other = cyclic();
    let report = LoadOptions::new().objects_to_skip([other.as_layer().clone()]);
    model.save_weights(home.path().join("w.weights.h5")).unwrap();
    assert_eq!(report.load_weights(&other, home.path().join("w.weights.h5")).unwrap().skipped.len(), 2);
}

/// The class of `nested_container.keras`.
#[register(package = "nested_container")]
#[derive(KerasSerializable)]
#[keras(model, new, setters)]
struct NestedDenseModel {
    base: LayerBase,
    #[keras(default = 3)]
    num: usize,
    #[keras(sublayer(init = (0..num).map(|i| (Dense::new(4).use_bias(false).name(format!("d_{i}")).shared(),)).collect()))]
    blocks: Vec<(LayerRef,)>,
    #[keras(sublayer(init = Dense::new(2).shared()))]
    out: LayerRef,
}

impl Layer for NestedDenseModel {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let mut x = inputs.tensor()?.clone();
        for (layer,) in &self.blocks {
            x = layer.call(&x, cx)?.into_single()?;
        }
        self.out.call(&x, cx)
    }
}

#[test]
fn test_legacy_load_skips_missing_nested_containers() {
    for (file, first) in [
        ("nested_container.keras", "blocks/container/dense/vars/0"),
        // As Keras wrote it before it wrote lists in lists.
        ("nested_container_legacy.keras", "layers/dense/vars/0"),
    ] {
        let bytes = std::fs::read(fixture(file)).unwrap();
        let (loaded, report) = LoadOptions::new().load_model_with_report(bytes).unwrap();
        assert!(report.is_complete() && report.skipped.is_empty(), "{report}");
        assert_eq!((report.applied.len(), report.applied[0].as_str()), (5, first));
        let model = loaded.as_layer().downcast_ref::<NestedDenseModel>().unwrap();
        for (i, (layer,)) in model.blocks.iter().enumerate() {
            assert_eq!(kernel(layer), [0.1 * (i as f32 + 1.0); 16], "{file}");
        }
        assert_eq!(kernel(&model.out), [0.5; 8]);
        assert_eq!(model.out.weights()[1].read().to_vec::<f32>().unwrap(), [0.0; 2]);
        // What is loaded is written as Keras writes it now.
        let bytes = SaveOptions::new().save_model_to_bytes(&loaded).unwrap();
        let saved = ModelFile::from_bytes(bytes, &Default::default()).unwrap();
        let keras = ModelFile::open(fixture("nested_container.keras"), &Default::default()).unwrap();
        assert_eq!(saved.weights().unwrap().paths(), keras.weights().unwrap().paths());
    }
    // A list of which the file has nothing at all is an error, unless that is asked for.
    let larger = Model::from(NestedDenseModel::new().num(4));
    larger.predict(x()).unwrap();
    let fresh = larger.weights()[3].read().to_vec::<f32>().unwrap();
    for file in ["nested_container.keras", "nested_container_legacy.keras"] {
        let error = larger.load_weights(fixture(file)).unwrap_err();
        assert!(error.to_string().contains("blocks/container_3/dense/vars/0"), "{error}");
        let report = LoadOptions::new().skip_mismatch(true).load_weights(&larger, fixture(file)).unwrap();
        assert_eq!(report.missing[0].path, "blocks/container_3/dense/vars/0");
        assert_eq!(larger.weights()[3].read().to_vec::<f32>().unwrap(), fresh, "it keeps its first value");
        assert_eq!(larger.weights()[2].read().to_vec::<f32>().unwrap(), [0.3; 16]);
    }
}

#[test]
fn test_fresh_save_load_emits_no_container_skip_warning() {
    let inputs = Input::new([5]).tensor().unwrap();
    let y = EinsumDense::new("ab,bc->ac", 7).apply(&inputs).unwrap();
    let models = [Functional::new(inputs, y).unwrap(), Model::from(NestedDenseModel::new()), Model::from(Lists::new())];
    for (model, width) in models.into_iter().zip([5, 4, 4]) {
        model.predict(Tensor::from_vec(vec![1.0f32; width], [1, width]).unwrap()).unwrap();
        let bytes = SaveOptions::new().save_model_to_bytes(&model).unwrap();
        let (_, report) = LoadOptions::new().load_model_with_report(bytes).unwrap();
        assert!(report.is_complete() && report.skipped.is_empty(), "{report}");
        assert_eq!(report.applied.len(), model.weights().len());
    }
}
