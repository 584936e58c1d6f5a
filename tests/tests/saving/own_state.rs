//! Counterparts of tests in `keras/src/saving/saving_lib_test.py` and `saving_api_test.py` for the state
//! that custom classes keep in files, and its names.

use std::sync::{Mutex, OnceLock};

use keras_serial::activations::{Activate, Activation};
use keras_serial::json::Value;
use keras_serial::models::Functional;
use keras_serial::prelude::*;
use keras_serial::saving::ModelFile;

use crate::{bits, fixture};

const ASSETS_DATA: &str = "These are my assets";

fn variables_data() -> Vec<f64> {
    (0..10u8).map(|i| f64::from(i) / 7.0).collect()
}

/// A layer with an asset and a saved variable, instead of its weights.
#[register(package = "my_custom_package")]
#[derive(KerasSerializable)]
#[keras(new)]
struct LayerWithCustomSaving {
    base: LayerBase,
    units: usize,
    #[keras(weight)]
    additional_0: Weight,
    #[keras(weight)]
    additional_1: Weight,
    #[keras(sublayer(init = Dense::new(units).name("dense").shared()))]
    nested_layer: LayerRef,
    #[keras(skip)]
    assets: Mutex<String>,
    #[keras(skip)]
    stored_variables: Mutex<Vec<f64>>,
}

impl Layer for LayerWithCustomSaving {
    fn build(&self, _: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        for weight in [&self.additional_0, &self.additional_1] {
            weight.create(cx, Shape::scalar(), Some(&"ones".into()), None)?;
        }
        Ok(())
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.nested_layer.call(inputs.inputs()?, cx)
    }

    fn own_state(&self) -> Option<&dyn OwnState> {
        Some(self)
    }
}

impl OwnState for LayerWithCustomSaving {
    fn saved_weights(&self) -> Option<Vec<&Weight>> {
        Some(Vec::new())
    }

    fn named_state(&self) -> Result<Vec<(&'static str, Tensor)>> {
        Ok(vec![("variables", Tensor::from_vec(self.stored_variables.lock().unwrap().clone(), [10])?)])
    }

    fn state_names(&self) -> &'static [&'static str] {
        &["variables"]
    }

    fn load_named_state(&self, _: &str, value: &Tensor) -> Result<()> {
        *self.stored_variables.lock().unwrap() = value.to_vec()?;
        Ok(())
    }

    fn save_assets(&self, assets: &mut Assets) -> Result<()> {
        assets.insert("assets.txt", self.assets.lock().unwrap().as_bytes());
        Ok(())
    }

    fn load_assets(&self, assets: &Assets) -> Result<()> {
        *self.assets.lock().unwrap() = assets.text("assets.txt")?.to_owned();
        Ok(())
    }
}

#[register(package = "my_custom_package")]
#[derive(KerasSerializable)]
#[keras(model, new)]
struct ModelWithCustomSaving {
    base: LayerBase,
    #[keras(sublayer(init = LayerWithCustomSaving::new(1).shared()))]
    custom_dense: LayerRef,
}

impl Layer for ModelWithCustomSaving {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.custom_dense.call(inputs.inputs()?, cx)
    }
}

fn own_state(model: &Model) -> (String, Vec<f64>) {
    let model = model.as_layer().downcast_ref::<ModelWithCustomSaving>().unwrap();
    let layer = model.custom_dense.downcast_ref::<LayerWithCustomSaving>().unwrap();
    (layer.assets.lock().unwrap().clone(), layer.stored_variables.lock().unwrap().clone())
}

#[test]
fn test_saving_custom_assets_and_variables() {
    let home = tempfile::tempdir().unwrap();
    let model = Model::from(ModelWithCustomSaving::new());
    model.compile(Compile::new("adam", "mse")).unwrap();
    {
        let model = model.as_layer().downcast_ref::<ModelWithCustomSaving>().unwrap();
        let layer = model.custom_dense.downcast_ref::<LayerWithCustomSaving>().unwrap();
        *layer.assets.lock().unwrap() = ASSETS_DATA.to_owned();
        *layer.stored_variables.lock().unwrap() = variables_data();
    }
    let (x, y) =
        (Tensor::from_slice(&[1.0f32; 12], [4, 3]).unwrap(), Tensor::from_slice(&[1.0f32; 4], [4, 1]).unwrap());
    model.fit((&x, &y), Fit::new().verbose(0)).unwrap();
    let keras = ModelFile::open(fixture("custom_saving.keras"), &Default::default()).unwrap();
    for zipped in [true, false] {
        let path = home.path().join(if zipped { "my_model.keras" } else { "my_model" });
        assert!(!path.exists());
        SaveOptions::new().zipped(zipped).save_model(&model, &path).unwrap();
        let loaded = load_model(&path).unwrap();
        assert_eq!(own_state(&loaded), (ASSETS_DATA.to_owned(), variables_data()));
        assert_eq!(
            loaded.predict(&x).unwrap().to_vec::<f32>().unwrap(),
            model.predict(&x).unwrap().to_vec::<f32>().unwrap()
        );
        // All of it stands where Keras puts it.
        let file = ModelFile::open(&path, &Default::default()).unwrap();
        let paths = |file: &ModelFile| {
            let mut paths = file.weights().unwrap().paths();
            paths.sort();
            paths
        };
        assert_eq!(paths(&file), paths(&keras));
        assert_eq!(file.assets().collect::<Vec<_>>(), keras.assets().collect::<Vec<_>>());
    }
    // Keras's own file.
    let loaded = load_model(fixture("custom_saving.keras")).unwrap();
    assert_eq!(own_state(&loaded), (ASSETS_DATA.to_owned(), variables_data()));
    assert!(loaded.is_compiled());
}

#[test]
fn test_load_model_with_custom_objects() {
    /// A layer that is not registered.
    #[derive(KerasSerializable)]
    #[keras(new)]
    struct CustomLayer {
        base: LayerBase,
    }

    impl Layer for CustomLayer {
        fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
            Ok(inputs.tensor()?.clone().into())
        }
    }

    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("custom_model.keras");
    let model = Sequential::new([Input::new([3]).layer(), CustomLayer::new().shared()]).unwrap();
    model.save(&path).unwrap();
    let error = load_model(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownObject, "{error}");
    let custom_objects = CustomObjects::new().with::<CustomLayer>();
    let loaded = LoadOptions::new().custom_objects(custom_objects).load_model(&path).unwrap();
    assert!(loaded.layers()[0].downcast_ref::<CustomLayer>().is_some());
}

/// A Functional model of a custom class, with one of the graph's layers as a field.
#[register(package = "my_custom_package")]
#[derive(KerasSerializable)]
struct SubclassFunctional {
    base: LayerBase,
    #[keras(skip)]
    graph: OnceLock<Model>,
    #[keras(sublayer)]
    layer_attr: OnceLock<LayerRef>,
}

impl SubclassFunctional {
    fn new() -> Self {
        let graph = basic_functional();
        let layer_attr = graph.get_layer("first_dense").unwrap();
        Self { base: LayerBase::default(), graph: OnceLock::from(graph), layer_attr: OnceLock::from(layer_attr) }
    }
}

impl Layer for SubclassFunctional {
    fn traits(&self) -> LayerTraits {
        LayerTraits::new().built_at_init(true)
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.graph.get().unwrap().as_layer().call(inputs.inputs()?, cx)
    }

    fn model_hooks(&self) -> Option<&dyn ModelHooks> {
        Some(self)
    }
}

impl ModelHooks for SubclassFunctional {
    fn graph(&self) -> Option<&dyn GraphModel> {
        self.graph.get()?.as_layer().graph()
    }
}

fn basic_functional() -> Model {
    let inputs = Input::new([4]).tensor().unwrap();
    let x = Dense::new(1).name("first_dense").apply(&inputs).unwrap();
    let y = Dense::new(1).name("second_dense").apply(&x).unwrap();
    Functional::new(inputs, y).unwrap()
}

#[test]
fn test_save_weights_subclassed_functional() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("mymodel.weights.h5");
    let x = Tensor::from_slice(&[0.5f32, -1.0, 2.0, 0.25, 1.0, 3.0, -0.5, 0.75], [2, 4]).unwrap();
    let predict = |model: &Model| model.predict(&x).unwrap().to_vec::<f32>().unwrap();
    let basic = basic_functional();
    let expected = predict(&basic);
    basic.save_weights(&path).unwrap();
    let subclassed = Model::from(SubclassFunctional::new());
    assert_ne!(predict(&subclassed), expected);
    let report = subclassed.load_weights(&path).unwrap();
    assert_eq!(report.applied.len(), 4);
    assert_eq!(predict(&subclassed), expected);
    let paths = |path: &std::path::Path| ModelFile::open(path, &Default::default()).unwrap().weights().unwrap().paths();
    let before = paths(&path);
    subclassed.save_weights(&path).unwrap();
    assert_eq!(paths(&path), before);
    let again = basic_functional();
    again.load_weights(&path).unwrap();
    assert_eq!(predict(&again), expected);
}

/// A backbone with a layer that its own computation does not use.
#[derive(KerasSerializable)]
#[keras(model, new)]
struct Backbone {
    base: LayerBase,
    #[keras(sublayer(init = Dense::new(2).name("decoder").shared()))]
    decoder: LayerRef,
    #[keras(sublayer(init = Dense::new(4).name("encoder").shared()))]
    encoder: LayerRef,
}

impl Layer for Backbone {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.encoder.call(inputs.inputs()?, cx)
    }
}

#[test]
fn test_objects_to_skip_with_functional_subclass_attribute_layer() {
    let task = || {
        let backbone = Backbone::new().shared();
        let inputs = Input::new([3]).tensor().unwrap();
        let x = backbone.apply(&inputs).unwrap();
        let decoder = backbone.downcast_ref::<Backbone>().unwrap().decoder.clone();
        let y = Dense::new(2).name("head").apply(decoder.apply(&x).unwrap()).unwrap();
        (Functional::new(inputs, y).unwrap(), backbone, decoder)
    };
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("legacy_task.weights.h5");
    let (legacy, ..) = task();
    legacy.save_weights(&path).unwrap();
    let (new, backbone, decoder) = task();
    let before: Vec<_> = backbone.weights().iter().map(|weight| weight.read().to_bytes().unwrap()).collect();
    let skipped = backbone.with_layers_below();
    assert!(skipped.iter().any(|layer| layer.is_same(&decoder)));
    let report = LoadOptions::new().objects_to_skip(skipped).load_weights(&new, &path).unwrap();
    let after: Vec<_> = backbone.weights().iter().map(|weight| weight.read().to_bytes().unwrap()).collect();
    assert_eq!(after, before);
    // The rest is loaded.
    assert_eq!((report.applied.len(), report.skipped.len()), (2, 4));
    let head = |model: &Model| model.get_layer("head").unwrap().weights()[0].read().to_bytes().unwrap();
    assert_eq!(head(&new), head(&legacy));
}

/// An object used as an activation.
#[register(package = "Custom")]
#[derive(KerasSerializable, Clone)]
struct GrowthFactor {
    factor: f64,
}

impl Activate for GrowthFactor {
    fn activate(&self, x: &Tensor) -> Result<Tensor> {
        ops::multiply(x, self.factor)
    }
}

/// In Python the class of this test has no `from_config`, and is refused; here every class has one.
#[test]
fn test_custom_object_without_from_config() {
    let inputs = Input::new([4, 4]).tensor().unwrap();
    let y = Dense::new(1).activation(Activation::new(GrowthFactor { factor: 0.5 })).apply(&inputs).unwrap();
    let model = Functional::new(inputs, y).unwrap();
    let bytes = SaveOptions::new().save_model_to_bytes(&model).unwrap();
    let loaded = LoadOptions::new().load_model_from_bytes(bytes).unwrap();
    let x = Tensor::from_slice(&[1.0f32; 16], [1, 4, 4]).unwrap();
    let outputs = |model: &Model| model.predict(&x).unwrap().to_vec::<f32>().unwrap();
    assert_eq!(outputs(&loaded), outputs(&model));
}

/// Multiplies by a number.
#[register(package = "Complex")]
#[derive(KerasSerializable)]
#[keras(new)]
struct FactorLayer {
    base: LayerBase,
    factor: f64,
}

impl Layer for FactorLayer {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        ops::multiply(inputs.tensor()?, self.factor).map(Into::into)
    }
}

/// Holds two layers, without hand-written code to deserialize them.
#[register(package = "Complex")]
#[derive(KerasSerializable)]
#[keras(new)]
struct ComplexModel {
    base: LayerBase,
    first_layer: LayerRef,
    #[keras(default = Dense::new(8).shared())]
    second_layer: LayerRef,
}

impl Layer for ComplexModel {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let x = self.second_layer.call(inputs.inputs()?, cx)?;
        self.first_layer.call(x, cx)
    }
}

/// In Python such a model can't be loaded, and the error says that its layers must be deserialized by
/// hand. Here the field's type says that it is a layer, and anything else is refused.
#[test]
fn test_complex_model_without_explicit_deserialization() {
    let inputs = Input::new([32]).tensor().unwrap();
    let y = ComplexModel::new(FactorLayer::new(0.5)).apply(&inputs).unwrap();
    let model = Functional::new(inputs, y).unwrap();
    let config = model.to_json().unwrap();
    let loaded = keras_serial::models::model_from_json(&config, &CustomObjects::default()).unwrap();
    let complex = loaded.layers()[1].clone();
    let complex = complex.downcast_ref::<ComplexModel>().unwrap();
    assert_eq!(complex.first_layer.downcast_ref::<FactorLayer>().unwrap().factor, 0.5);
    assert_eq!(complex.second_layer.class_name(), "Dense");
    assert_eq!(bits(&loaded).len(), bits(&model).len());
    let plain = config.replacen("\"registered_name\": \"Complex>FactorLayer\"", "\"registered_name\": null", 1);
    let plain = plain.replacen("\"class_name\": \"FactorLayer\"", "\"class_name\": \"Nowhere\"", 1);
    assert_ne!(plain, config);
    let error = keras_serial::models::model_from_json(&plain, &CustomObjects::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownObject, "{error}");
    assert!(error.path().contains("complex_model/first_layer"), "{error}");
    // Values that are no layers.
    let mut value = Value::parse(&config).unwrap();
    let entry = {
        let Value::Dict(model) = &mut value else { panic!("{config}") };
        let Some(Value::Dict(functional)) = model.get_mut("config") else { panic!("{config}") };
        let Some(Value::List(layers)) = functional.get_mut("layers") else { panic!("{config}") };
        let Value::Dict(complex) = &mut layers[1] else { panic!("{config}") };
        let Some(Value::Dict(complex)) = complex.get_mut("config") else { panic!("{config}") };
        complex.get_mut("second_layer").unwrap()
    };
    *entry = Value::Dict(Config::from([("units".to_owned(), Value::Int(8))]));
    let error = keras_serial::models::model_from_json(&value.to_json(), &CustomObjects::default()).unwrap_err();
    assert!(error.path().contains("complex_model/second_layer"), "{error}");
    assert!(error.to_string().contains("a layer"), "{error}");
}

#[derive(KerasSerializable)]
#[keras(model, new)]
struct NormalModel {
    base: LayerBase,
    #[keras(sublayer(init = Dense::new(3).shared()))]
    dense: LayerRef,
}

impl Layer for NormalModel {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.dense.call(inputs.inputs()?, cx)
    }
}

/// Its layer has a name that comes first, and is not in the file of the other model.
#[derive(KerasSerializable)]
#[keras(model)]
struct WeirdModel {
    base: LayerBase,
    #[keras(sublayer(init = Dense::new(3).shared()))]
    a_dense: LayerRef,
    #[keras(sublayer)]
    dense: OnceLock<LayerRef>,
}

impl WeirdModel {
    fn new() -> Self {
        let dense = Dense::new(3).shared();
        Self { base: LayerBase::default(), a_dense: dense.clone(), dense: OnceLock::from(dense) }
    }
}

impl Layer for WeirdModel {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.a_dense.call(inputs.inputs()?, cx)
    }
}

#[test]
fn test_redefinition_of_trackable() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("normal_model.weights.h5");
    let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [2, 2]).unwrap();
    let (normal, weird) = (Model::from(NormalModel::new()), Model::from(WeirdModel::new()));
    normal.predict(&x).unwrap();
    weird.predict(&x).unwrap();
    normal.save_weights(&path).unwrap();
    let report = weird.load_weights(&path).unwrap();
    assert_eq!(report.applied, ["dense/vars/0", "dense/vars/1"]);
    assert_eq!(bits(&weird), bits(&normal));
    // Its own file has the first name, and loads as well.
    weird.save_weights(&path).unwrap();
    let again = Model::from(WeirdModel::new());
    again.predict(&x).unwrap();
    assert_eq!(again.load_weights(&path).unwrap().applied[0], "a_dense/vars/0");
    assert_eq!(bits(&again), bits(&normal));
}

/// The class of `attributes.weights.h5`.
#[derive(KerasSerializable)]
#[keras(model, new)]
struct Attributes {
    base: LayerBase,
    #[keras(sublayer(init = Dense::new(4).shared()))]
    project: LayerRef,
    #[keras(sublayer(init = Dense::new(2).shared()))]
    head: LayerRef,
    #[keras(sublayer(init = Dense::new(4).shared()))]
    residual: LayerRef,
}

impl Layer for Attributes {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let x = self.project.call(inputs.inputs()?, cx)?.into_single()?;
        let y = self.residual.call(&x, cx)?.into_single()?;
        self.head.call(&ops::add(&x, &y)?, cx)
    }
}

#[test]
fn layers_of_a_model_stand_where_keras_puts_them() {
    let home = tempfile::tempdir().unwrap();
    let model = Model::from(Attributes::new());
    model.predict(Tensor::from_slice(&[1.0f32; 3], [1, 3]).unwrap()).unwrap();
    model.load_weights(fixture("attributes.weights.h5")).unwrap();
    let firsts: Vec<f32> = model.layers().iter().map(|l| l.weights()[0].read().to_vec::<f32>().unwrap()[0]).collect();
    assert_eq!(firsts, [1.0, 2.0, 3.0]);
    let path = home.path().join("attributes.weights.h5");
    model.save_weights(&path).unwrap();
    let paths = |path: &std::path::Path| ModelFile::open(path, &Default::default()).unwrap().weights().unwrap().paths();
    assert_eq!(paths(&path), paths(&fixture("attributes.weights.h5")));
}
