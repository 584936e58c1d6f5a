//! How objects and functions are identified when they are serialized.

use keras_serial::activations::Activation;
use keras_serial::functions::Function;
use keras_serial::json::Value;
use keras_serial::object::SharingScope;
use keras_serial::prelude::*;
use keras_serial::registry::{self, Entry, serialize_keras_object};
use keras_serial::regularizers::L2;

#[register(package = "Identity")]
#[derive(KerasSerializable)]
#[keras(new)]
struct Penalties {
    base: LayerBase,
    #[keras(with = "as_regularizers")]
    factors: Vec<f64>,
}

impl Layer for Penalties {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(inputs.tensor()?.clone().into())
    }
}

/// Serializes objects that are dropped at once.
mod as_regularizers {
    use super::*;

    pub fn to_value(factors: &[f64]) -> Result<Value> {
        let forms = factors.iter().map(|factor| Regularizer::new(L2::new(*factor)).to_value());
        Ok(Value::List(forms.collect::<Result<_>>()?))
    }

    pub fn from_value(value: &Value) -> Result<Vec<f64>> {
        let all = Vec::<Regularizer>::from_value(value)?;
        all.iter().map(|one| f64::from_value(one.get_config()?.get("l2").unwrap())).collect()
    }
}

#[test]
fn objects_that_live_for_a_moment_are_not_taken_for_one() {
    let factors = [0.125, 0.25, 0.5, 1.0].to_vec();
    let model = Sequential::new([Input::new([2]).layer(), Penalties::new(factors.clone()).shared()]).unwrap();
    let bytes = SaveOptions::new().save_model_to_bytes(&model).unwrap();
    let loaded = LoadOptions::new().load_model_from_bytes(bytes).unwrap();
    assert_eq!(loaded.layers()[0].downcast_ref::<Penalties>().unwrap().factors, factors);
}

/// Its own `drop` serializes, in the scope that ends.
struct SerializesWhenDropped;

impl KerasSerializable for SerializesWhenDropped {
    fn get_config(&self) -> Result<Config> {
        Ok(Config::new())
    }

    fn from_config(_: &Config) -> Result<Self> {
        Ok(Self)
    }
}

impl Drop for SerializesWhenDropped {
    fn drop(&mut self) {
        serialize_keras_object(&Regularizer::from("l2")).unwrap();
    }
}

#[test]
fn a_sharing_scope_ends_though_its_objects_serialize_when_dropped() {
    let sharing = SharingScope::enter();
    let form = sharing.serialize(&keras_serial::object::Object::plain(SerializesWhenDropped)).unwrap();
    assert_eq!(form.get("class_name"), Some(&Value::from("SerializesWhenDropped")));
    drop(sharing);
}

fn scaled(by: f64) -> impl Fn(&Tensor) -> Result<Tensor> + Clone + Send + Sync {
    move |x: &Tensor| ops::multiply(x, by)
}

fn name_of(layer: &LayerRef) -> String {
    let form = layer.get_config().unwrap().get("activation").unwrap().clone();
    form.get("config").unwrap().as_str().unwrap().to_owned()
}

/// Returns the output for 1 of a layer with an activation, after a round trip.
fn reloaded(layer: &LayerRef) -> f32 {
    let model = Sequential::new([Input::new([1]).layer(), layer.clone()]).unwrap();
    let loaded = LoadOptions::new().load_model_from_bytes(SaveOptions::new().save_model_to_bytes(&model).unwrap());
    loaded.unwrap().predict(Tensor::from_slice(&[1.0f32], [1, 1]).unwrap()).unwrap().to_vec::<f32>().unwrap()[0]
}

fn layer(activation: impl Into<Activation>) -> LayerRef {
    keras_serial::layers::Activation::new(activation).shared()
}

#[test]
fn closures_of_one_factory_are_written_by_their_own_names() {
    let _own = registry::isolate();
    for (name, by) in [("half", 0.5), ("twice", 2.0), ("thrice", 3.0)] {
        registry::register(Entry::of_fn(name, scaled(by)).in_package("Scaled")).unwrap();
    }
    for (name, by) in [("half", 0.5), ("twice", 2.0), ("thrice", 3.0)] {
        let layer = layer(format!("Scaled>{name}").as_str());
        assert_eq!((name_of(&layer), reloaded(&layer)), (format!("Scaled>{name}"), by));
    }
    // Nothing tells a third closure of the factory from these: it has no name.
    let error = layer(scaled(7.0)).get_config().unwrap_err();
    assert!(error.to_string().contains("has no name"), "{error}");
}

#[test]
fn a_registered_handle_is_known_with_its_clones() {
    let _own = registry::isolate();
    let (half, twice) = (Function::named(scaled(0.5), "scaled"), Function::named(scaled(2.0), "scaled"));
    registry::register(Entry::of_function("half", &half)).unwrap();
    registry::register(Entry::of_function("twice", &twice)).unwrap();
    for (function, name, by) in [(half.clone(), "Custom>half", 0.5), (twice.clone(), "Custom>twice", 2.0)] {
        let layer = layer(Activation::from(function));
        assert_eq!((name_of(&layer), reloaded(&layer)), (name.to_owned(), by));
    }
    assert!(half.is_same(&half.clone()) && !half.is_same(&twice));
    // What is registered no more goes by its own name.
    assert!(registry::unregister("Custom>half"));
    assert_eq!((half.name(), twice.name()), ("scaled".to_owned(), "Custom>twice".to_owned()));
}

#[test]
fn function_pointers_of_a_table_are_written_by_their_own_names() {
    let _own = registry::isolate();
    type Unary = fn(&Tensor) -> Result<Tensor>;
    let table: [(&str, Unary, f32); 2] =
        [("plus", |x| ops::add(x, 1.0), 2.0), ("minus", |x| ops::subtract(x, 1.0), 0.0)];
    for (name, function, _) in table {
        registry::register(Entry::of_fn(name, function).in_package("Table")).unwrap();
    }
    for (name, function, result) in table {
        for layer in [layer(format!("Table>{name}").as_str()), layer(function)] {
            assert_eq!((name_of(&layer), reloaded(&layer)), (format!("Table>{name}"), result));
        }
    }
}

#[test]
fn a_function_found_by_a_name_is_written_by_that_name() {
    fn same(x: &Tensor) -> Result<Tensor> {
        Ok(x.clone())
    }
    let _own = registry::isolate();
    for name in ["first", "second"] {
        registry::register(Entry::of_fn(name, same).in_package("Same")).unwrap();
    }
    assert_eq!(name_of(&layer("Same>first")), "Same>first");
    assert_eq!(name_of(&layer("Same>second")), "Same>second");
    // As in Keras, the function itself goes by the name that it got last.
    assert_eq!(name_of(&layer(same)), "Same>second");
}

#[test]
fn functions_of_scopes_are_written_by_their_own_names() {
    let objects = CustomObjects::new().with_fn("half", scaled(0.5)).with_fn("twice", scaled(2.0));
    let _scope = CustomObjectScope::new(objects).enter();
    for (name, by) in [("half", 0.5), ("twice", 2.0)] {
        assert_eq!((name_of(&layer(name)), reloaded(&layer(name))), (name.to_owned(), by));
    }
}
