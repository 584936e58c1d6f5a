//! Round trips of unusual names, unusual numbers, and assets in folders.

use keras_serial::prelude::*;

fn bytes(model: &Model) -> Vec<u8> {
    SaveOptions::new().deterministic(true).save_model_to_bytes(model).unwrap()
}

fn load(bytes: Vec<u8>) -> Model {
    LoadOptions::new().load_model_from_bytes(bytes).unwrap()
}

fn ramp(shape: &[usize]) -> Tensor {
    let count: usize = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|i| ((i * 37 + 11) % 101) as f32 / 50.0 - 1.0).collect();
    Tensor::from_vec(values, shape.to_vec()).unwrap()
}

/// Names that can't be names of members or groups: refused before a file exists, or kept.
#[test]
fn layers_with_odd_names_are_refused_or_come_back() {
    let mut kept = 0;
    for name in ["a/b", "..", ".", "a\\b", "c:d", "ü", "a b", "", "x\0y", "/", "con", &"n".repeat(300)] {
        let x = Input::new([2]).tensor().unwrap();
        let made = Dense::new(1).name(name).apply(&x).and_then(|y| Functional::new(x.clone(), y));
        let Ok(model) = made else { continue };
        let before = model.predict(ramp(&[1, 2])).unwrap().to_bytes().unwrap();
        let Ok(bytes) = SaveOptions::new().save_model_to_bytes(&model) else { continue };
        let loaded = load(bytes);
        assert_eq!(loaded.predict(ramp(&[1, 2])).unwrap().to_bytes().unwrap(), before, "{name:?}");
        assert_eq!(loaded.layers().last().unwrap().name(), name);
        kept += 1;
    }
    assert!(kept >= 5, "{kept}");
}

#[register(package = "OddNames")]
#[derive(KerasSerializable)]
#[keras(new)]
struct Heads {
    base: LayerBase,
    heads: indexmap::IndexMap<String, LayerRef>,
}

impl Layer for Heads {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let outputs = self.heads.iter().map(|(name, head)| Ok((name.clone(), head.call(inputs.tensor()?, cx)?)));
        Ok(Nested::Dict(outputs.collect::<Result<_>>()?))
    }
}

#[test]
fn layers_under_odd_keys_of_a_dict_come_back() {
    let keys = ["a/b", "..", "ü", "", "a"];
    let heads = keys.map(|key| (key.to_owned(), Dense::new(2).shared()));
    let layer = LayerRef::from(Heads::new(indexmap::IndexMap::from(heads)));
    let x = Input::new([3]).tensor().unwrap();
    let y = layer.call(&x, &CallContext::inference()).unwrap();
    let model = Functional::new(x, y).unwrap();
    let before = model.predict_all(ramp(&[2, 3])).unwrap();
    let after = load(bytes(&model)).predict_all(ramp(&[2, 3])).unwrap();
    let all = |outputs: &Nested<Tensor>| -> Vec<_> { outputs.leaves().iter().map(|y| y.to_bytes().unwrap()).collect() };
    assert_eq!(all(&after), all(&before));
}

#[test]
fn not_a_number_infinity_and_minus_zero_keep_their_bits() {
    let model = crate::sequential([Dense::new(4).name("a").shared()], 4);
    let mut values = vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, f32::MIN_POSITIVE / 2.0];
    values.resize(16, 1.0);
    model.weights()[0].assign(&Tensor::from_vec(values, [4, 4]).unwrap()).unwrap();
    let bits = |model: &Model| -> Vec<u32> {
        model.weights()[0].read().to_vec::<f32>().unwrap().iter().map(|x| x.to_bits()).collect()
    };
    let home = tempfile::tempdir().unwrap();
    for name in ["m.keras", "m.h5", "m.weights.h5", "m.safetensors"] {
        let path = home.path().join(name);
        if ["m.keras", "m.h5"].contains(&name) { model.save(&path) } else { model.save_weights(&path) }.unwrap();
        let loaded = crate::sequential([Dense::new(4).name("a").shared()], 4);
        loaded.load_weights(&path).unwrap();
        assert_eq!(bits(&loaded), bits(&model), "{name}");
    }
}

#[test]
fn weights_without_elements_come_back() {
    let x = Input::new([0]).tensor().unwrap();
    let y = Dense::new(2).apply(&x).unwrap();
    let model = Functional::new(x, y).unwrap();
    assert_eq!(load(bytes(&model)).weights()[0].shape().to_string(), "(0, 2)");
}

/// A failed strict load leaves the model unchanged, including its optimizer.
#[test]
fn a_failed_load_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let trained = |units: usize| {
        let model = crate::sequential([Dense::new(units).name("a").shared(), Dense::new(3).name("b").shared()], 4);
        model.compile(Compile::new("adam", "mse")).unwrap();
        model.fit((&ramp(&[8, 4]), &ramp(&[8, 3])), Fit::new().verbose(0)).unwrap();
        model
    };
    let model = trained(4);
    let path = home.path().join("other.weights.h5");
    trained(5).save_weights(&path).unwrap();
    let before = bytes(&model);
    model.load_weights(&path).unwrap_err();
    assert!(bytes(&model) == before);
}

/// A layer with files in folders, which it keeps as given.
#[register(package = "OddNames")]
#[derive(KerasSerializable)]
#[keras(new)]
struct Tokens {
    base: LayerBase,
    #[keras(sublayer(init = StringLookup::new().name("lookup").shared()))]
    lookup: LayerRef,
    #[keras(skip)]
    files: std::sync::Mutex<Assets>,
}

impl Layer for Tokens {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(inputs.tensor()?.clone().into())
    }

    fn own_state(&self) -> Option<&dyn OwnState> {
        Some(self)
    }
}

impl OwnState for Tokens {
    fn save_assets(&self, assets: &mut Assets) -> Result<()> {
        for (name, bytes) in self.files.lock().unwrap().iter() {
            assets.insert(name, bytes);
        }
        Ok(())
    }

    fn load_assets(&self, assets: &Assets) -> Result<()> {
        *self.files.lock().unwrap() = assets.clone();
        Ok(())
    }
}

#[test]
fn assets_in_folders_come_back_again_and_again() {
    let layer = LayerRef::from(Tokens::new());
    let tokens = |model: &Model| model.layers().last().unwrap().clone();
    let files = |layer: &LayerRef| layer.downcast_ref::<Tokens>().unwrap().files.lock().unwrap().clone();
    {
        let tokens = layer.downcast_ref::<Tokens>().unwrap();
        tokens.lookup.adapt(Tensor::from_strings(["x", "y"], [2, 1]).unwrap()).unwrap();
        let mut files = tokens.files.lock().unwrap();
        files.insert("words.txt", "a\nb");
        files.insert("sub/blob.bin", (0..=255u8).collect::<Vec<_>>());
        files.insert("sub/deeper/merges.txt", "x y");
    }
    let own = files(&layer);
    let x = Input::new([3]).tensor().unwrap();
    let mut model = Functional::new(x.clone(), layer.apply(&x).unwrap()).unwrap();
    let home = tempfile::tempdir().unwrap();
    for round in 0..3 {
        for zipped in [true, false] {
            let path = home.path().join(if zipped { "m.keras" } else { "m" });
            SaveOptions::new().zipped(zipped).save_model(&model, &path).unwrap();
            model = load_model(&path).unwrap();
            let loaded = files(&tokens(&model));
            for (name, bytes) in own.iter() {
                assert!(loaded.iter().any(|known| known == (name, bytes)), "{name} in round {round}");
            }
            // As in Keras, a layer sees what its sublayers keep.
            assert!(loaded.text("lookup/vocabulary.txt").unwrap().contains("x"));
            assert_eq!(loaded.iter().count(), 4);
        }
    }
}
