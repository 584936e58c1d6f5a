//! Files of trained models, which Keras reads and trains further (`tests/fixtures/training/make.py`).

use std::path::PathBuf;
use std::sync::OnceLock;

use indexmap::IndexMap;
use keras_serial::ResultExt;
use keras_serial::activations::Activate;
use keras_serial::json::Value;
use keras_serial::optimizers::Optimizer;
use keras_serial::prelude::*;
use keras_serial::saving::{LoadReport, ModelFile};
use keras_serial::variable::GradientTape;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/training").join(name)
}

/// What Keras reports about a file.
fn fact(name: &str, entry: &str) -> Vec<f64> {
    static FACTS: OnceLock<Value> = OnceLock::new();
    let facts = FACTS.get_or_init(|| Value::parse(&std::fs::read_to_string(path("training.json")).unwrap()).unwrap());
    let list = facts.get(name).and_then(|fact| fact.get(entry)).and_then(Value::as_list);
    list.unwrap_or_else(|| panic!("{name}: {entry}")).iter().map(|number| number.as_f64().unwrap()).collect()
}

fn open(name: &str) -> (Model, LoadReport) {
    let file = ModelFile::open(path(&format!("{name}.keras")), &Default::default()).unwrap();
    LoadOptions::new().load_model_file(&file).unwrap()
}

fn again(model: &Model) -> (Model, LoadReport) {
    let bytes = SaveOptions::new().save_model_to_bytes(model).unwrap();
    LoadOptions::new().load_model_with_report(bytes).unwrap()
}

fn data() -> (Tensor, Tensor) {
    let x: Vec<f32> = (0..24u8).map(|i| f32::from(i) / 24.0 - 0.5).collect();
    let y: Vec<f32> = (0..6u8).map(|i| f32::from(i) / 6.0).collect();
    (Tensor::from_vec(x, [6, 4]).unwrap(), Tensor::from_vec(y, [6, 1]).unwrap())
}

fn assert_near(name: &str, ours: &[f32], keras: &[f64], tolerance: f64) {
    assert_eq!(ours.len(), keras.len(), "{name}");
    for (ours, keras) in ours.iter().zip(keras) {
        assert!((f64::from(*ours) - keras).abs() <= tolerance * keras.abs().max(1.0), "{name}: {ours} {keras}");
    }
}

fn outputs(model: &Model, x: &Tensor) -> Vec<f32> {
    model.predict(x).unwrap().to_vec().unwrap()
}

/// The file gives Keras's outputs, before and after two training steps.
fn check(name: &str, model: &Model) {
    let (x, y) = data();
    assert_near(name, &outputs(model, &x), &fact(name, "outputs"), 1e-5);
    let losses: Vec<f32> = (0..2).map(|_| model.train_on_batch((&x, &y)).unwrap()["loss"] as f32).collect();
    assert_near(name, &losses, &fact(name, "losses"), 2e-5);
    assert_near(name, &outputs(model, &x), &fact(name, "after"), 2e-4);
}

// Keras warns "Skipping variable loading for optimizer 'adam', because it has 10 variables whereas …"
#[test]
fn an_optimizer_starts_anew_where_layers_were_frozen_or_unfrozen_after_training() {
    for name in ["frozen_after", "frozen_after_scaled", "unfrozen_after"] {
        let (model, report) = open(name);
        assert!(
            report.notes.iter().any(|note| note.contains("optimizer/vars") && note.contains("starts anew")),
            "{report}"
        );
        assert!(report.table().contains("starts anew"));
        assert_eq!(model.optimizer().unwrap().iterations().unwrap(), 0, "{name}");
        check(name, &model);
        let (model, report) = again(&open(name).0);
        assert!(report.notes.is_empty(), "{name}: {report}");
        check(name, &model);
    }
}

#[test]
fn states_of_optimizers_in_models_and_optimizers_are_loaded_and_saved() {
    for (name, inner) in [("nested", true), ("several", false)] {
        let (model, report) = open(name);
        assert!(report.notes.is_empty() && report.is_complete(), "{name}: {report}");
        let (model, _) = again(&model);
        if inner {
            let inner = Model::from(model.layers()[0].clone());
            let inner = if inner.is_compiled() { inner } else { Model::from(model.layers()[1].clone()) };
            assert_eq!(inner.optimizer().unwrap().iterations().unwrap(), 1);
        }
        check(name, &model);
    }
}

#[test]
fn what_models_inside_are_compiled_with_is_kept_where_nothing_is_compiled() {
    for name in ["nested", "several"] {
        let file = ModelFile::open(path(&format!("{name}.keras")), &Default::default()).unwrap();
        let (model, _) = LoadOptions::new().compile(false).load_model_file(&file).unwrap();
        assert!(!model.is_compiled());
        let (model, report) = again(&model);
        assert!(report.is_complete(), "{report}");
        check(name, &model);
    }
}

/// A model with two optimizers in fields, and others in a list and a dict.
#[register(package = "training")]
#[derive(KerasSerializable)]
#[keras(model, new)]
struct Halves {
    base: LayerBase,
    #[keras(sublayer(init = Dense::new(2).activation("tanh").shared()))]
    first: LayerRef,
    #[keras(sublayer(init = Dense::new(1).shared()))]
    second: LayerRef,
    #[keras(sublayer)]
    first_optimizer: CompileSlot<Optimizer>,
    #[keras(sublayer)]
    second_optimizer: CompileSlot<Optimizer>,
    #[keras(sublayer)]
    listed: CompileSlot<Vec<Optimizer>>,
    #[keras(sublayer)]
    named: CompileSlot<IndexMap<String, Optimizer>>,
    #[keras(skip)]
    loss: CompileSlot<Loss>,
}

impl Layer for Halves {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.second.call(self.first.call(inputs.inputs()?, cx)?, cx)
    }

    fn model_hooks(&self) -> Option<&dyn ModelHooks> {
        Some(self)
    }
}

impl ModelHooks for Halves {
    fn train_step(&self) -> Option<&dyn TrainStep> {
        Some(self)
    }

    fn own_compile(&self) -> Option<&dyn OwnCompile> {
        Some(self)
    }
}

impl OwnCompile for Halves {
    fn get_compile_config(&self) -> Result<Option<Config>> {
        let Some(first) = self.first_optimizer.get() else { return Ok(None) };
        Ok(Some(Config::from([
            ("first".to_owned(), first.to_value()?),
            ("second".to_owned(), self.second_optimizer.require("second_optimizer")?.to_value()?),
            ("listed".to_owned(), self.listed.require("listed")?.to_value()?),
            ("named".to_owned(), self.named.require("named")?.to_value()?),
            ("loss".to_owned(), self.loss.require("loss")?.to_value()?),
        ])))
    }

    fn compile_from_config(&self, config: &Config, model: &LayerRef) -> Result<()> {
        fn read<T: ConfigField>(config: &Config, name: &'static str) -> Result<T> {
            T::from_value(config.get(name).unwrap_or(&Value::Null)).at(name)
        }
        let first: Optimizer = read(config, "first")?;
        let listed: Vec<Optimizer> = read(config, "listed")?;
        let named: IndexMap<String, Optimizer> = read(config, "named")?;
        first.build(&self.first.trainable_weights())?;
        for optimizer in listed.iter().chain(named.values()) {
            optimizer.build(&self.second.trainable_weights())?;
        }
        self.first_optimizer.set(first);
        self.second_optimizer.set(read(config, "second")?);
        self.listed.set(listed);
        self.named.set(named);
        self.loss.set(read(config, "loss")?);
        Model::from(model.clone()).compile(Compile::default())
    }
}

impl TrainStep for Halves {
    fn train_step(&self, batch: &Batch, steps: &dyn Steps) -> Result<Logs> {
        let tape = GradientTape::new();
        let y_pred = steps.call(&batch.x, true)?.into_single()?;
        let y = batch.y.as_ref().map(Nested::single).transpose()?.expect("labels");
        let loss = self.loss.require("loss")?.evaluate(y, &y_pred, None)?;
        let (first, second) = (self.first.trainable_weights(), self.second.trainable_weights());
        let (gradients, _) = tape.gradient(&loss, &[first.clone(), second.clone()].concat(), &[])?;
        let (of_first, of_second) = gradients.split_at(first.len());
        self.first_optimizer.require("first_optimizer")?.apply(of_first, &first)?;
        self.second_optimizer.require("second_optimizer")?.apply(of_second, &second)?;
        Ok(Logs::from([("loss".to_owned(), f64::from(loss.item::<f32>()?))]))
    }
}

#[test]
fn a_models_own_compile_has_its_optimizers() {
    let (model, report) = open("halves");
    // Nothing builds the second one, so that Keras leaves its state; a save does not lose it.
    assert_eq!(report.notes.len(), 1, "{report}");
    assert!(report.notes[0].contains("second_optimizer"), "{report}");
    let state = |model: &Model| {
        let file =
            ModelFile::from_bytes(SaveOptions::new().save_model_to_bytes(model).unwrap(), &Default::default()).unwrap();
        let tree = file.weights().unwrap();
        let paths = tree
            .paths()
            .into_iter()
            .filter(|path| path.contains("optimizer") || path.contains("listed") || path.contains("named"));
        paths.map(|path| (tree.tensor(&path).unwrap().read().unwrap().data.to_vec(), path)).collect::<Vec<_>>()
    };
    let file = ModelFile::open(path("halves.keras"), &Default::default()).unwrap();
    let tree = file.weights().unwrap();
    let ours = state(&model);
    assert!(ours.iter().any(|(_, path)| path == "named/loss_scale_optimizer/inner_optimizer/vars/0"));
    for (data, path) in &ours {
        assert_eq!(&tree.tensor(path).expect(path).read().unwrap().data.to_vec(), data, "{path}");
    }
    assert_eq!(
        ours.len(),
        tree.paths().iter().filter(|path| !path.starts_with("first/") && !path.starts_with("layers/")).count()
    );
    let halves: &Halves = model.downcast_ref().unwrap();
    assert_eq!(halves.first_optimizer.get().unwrap().iterations().unwrap(), 2);
    assert_eq!(halves.listed.get().unwrap()[0].iterations().unwrap(), 7);
    assert_eq!(halves.named.get().unwrap()["a"].iterations().unwrap(), 5);
    check("halves", &again(&model).0);
    check("halves", &model);
}

/// Like [`Halves`], but without a custom `compile`.
#[derive(KerasSerializable)]
#[keras(model, new, class_name = "Halves")]
struct Plain {
    base: LayerBase,
    #[keras(sublayer(init = Dense::new(2).activation("tanh").shared()))]
    first: LayerRef,
    #[keras(sublayer(init = Dense::new(1).shared()))]
    second: LayerRef,
}

impl Layer for Plain {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.second.call(self.first.call(inputs.inputs()?, cx)?, cx)
    }
}

#[test]
fn an_unknown_compile_configuration_is_an_error_or_kept() {
    let scope = || CustomObjectScope::new(CustomObjects::new().with_named::<Plain>("training>Halves")).enter();
    let bytes = std::fs::read(path("halves.keras")).unwrap();
    let kept = {
        let _scope = scope();
        let error = LoadOptions::new().load_model_from_bytes(bytes.clone()).unwrap_err().to_string();
        assert!(
            error.contains("compile_config") && error.contains("OwnCompile") && error.contains("listed"),
            "{error}"
        );
        let (model, report) = LoadOptions::new().strict(false).load_model_with_report(bytes.clone()).unwrap();
        assert!(!model.is_compiled() && report.notes.iter().any(|note| note.contains("not compiled")), "{report}");
        let strict = LoadOptions::new().compile(false).load_model_from_bytes(bytes).unwrap();
        [model, strict].map(|model| SaveOptions::new().save_model_to_bytes(&model).unwrap())
    };
    // Who knows the class finds all that Keras wrote.
    for kept in kept {
        let known = CustomObjects::new().with::<Halves>();
        let (model, report) = LoadOptions::new().custom_objects(known).load_model_with_report(kept).unwrap();
        assert!(report.is_complete(), "{report}");
        let halves: &Halves = model.downcast_ref().unwrap();
        assert_eq!(halves.named.get().unwrap()["a"].iterations().unwrap(), 5);
        check("halves", &model);
    }
}

/// A layer with a custom build configuration.
#[register(package = "training")]
#[derive(KerasSerializable)]
#[keras(new)]
struct Recipe {
    base: LayerBase,
    #[keras(sublayer)]
    parts: OnceLock<Vec<LayerRef>>,
    #[keras(skip)]
    shape: OnceLock<Shape>,
}

impl Recipe {
    fn set_parts(&self, count: usize) {
        self.parts.get_or_init(|| (0..count).map(|i| Dense::new(2).name(format!("part{i}")).shared()).collect());
    }
}

impl Layer for Recipe {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        self.shape.get_or_init(|| input.clone());
        self.parts.get().into_iter().flatten().try_for_each(|part| cx.build_layer(part, input))
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let parts = self.parts.get().into_iter().flatten().map(|part| part.apply(inputs.tensor()?));
        let parts = parts.collect::<Result<Vec<_>>>()?;
        ops::sum(&ops::stack(&parts, 0)?, ops::Axes::from(0), false).map(Into::into)
    }

    fn own_state(&self) -> Option<&dyn OwnState> {
        Some(self)
    }
}

impl OwnState for Recipe {
    fn build_config(&self, _: Option<Value>) -> Option<Value> {
        let shape = self.shape.get()?.to_value().ok()?;
        let count = self.parts.get().map_or(0, Vec::len);
        Some(Value::Dict(Config::from([("count".to_owned(), Value::from(count)), ("shape".to_owned(), shape)])))
    }

    fn build_from_config(&self, config: &Config, layer: &LayerRef) -> Option<Result<()>> {
        let build = || {
            self.set_parts(usize::from_value(config.get("count").unwrap_or(&Value::Null)).at("count")?);
            layer.build(&Shape::from_value(config.get("shape").unwrap_or(&Value::Null)).at("shape")?)
        };
        Some(build())
    }
}

#[test]
fn a_class_builds_itself_from_a_configuration_of_its_own() {
    let x = data().0;
    let (model, report) = open("recipe");
    assert!(report.is_complete(), "{report}");
    assert_near("recipe", &outputs(&model, &x), &fact("recipe", "outputs"), 1e-5);
    assert_near("recipe", &outputs(&again(&model).0, &x), &fact("recipe", "outputs"), 1e-5);
}

#[register(package = "training")]
#[derive(KerasSerializable)]
struct Growth {
    #[keras(default = 0.5)]
    factor: f64,
}

impl Activate for Growth {
    fn activate(&self, x: &Tensor) -> Result<Tensor> {
        ops::multiply(x, self.factor)
    }
}

#[register(package = "training")]
fn shrink(x: &Tensor) -> Result<Tensor> {
    ops::multiply(&ops::sum(&ops::abs(x)?, ops::Axes::all(), false)?, 0.1)
}

#[register(package = "training")]
fn quarter(shape: &Shape, dtype: DType) -> Result<Tensor> {
    ops::multiply(&ops::ones(shape, dtype)?, 0.25)
}

#[register(package = "training")]
fn bounded(w: &Tensor) -> Result<Tensor> {
    ops::clip(w, -0.2, 0.2)
}

#[register(package = "training")]
fn half(x: &Tensor) -> Result<Tensor> {
    ops::multiply(x, 0.5)
}

#[test]
fn objects_and_functions_stand_where_keras_takes_callables() {
    let (model, report) = open("callables");
    assert!(report.is_complete(), "{report}");
    let config = model.layers()[1].get_config().unwrap();
    for (name, function) in
        [("kernel_regularizer", "shrink"), ("kernel_initializer", "quarter"), ("kernel_constraint", "bounded")]
    {
        let form = config[name].to_json();
        let text = format!(
            "{{\"module\": \"builtins\", \"class_name\": \"function\", \"config\": \"training>{function}\", \"registered_name\": \"function\"}}"
        );
        assert_eq!(form, text);
    }
    check("callables", &again(&model).0);
    check("callables", &model);
    // An initializer by its name makes the weight of a new layer.
    let layer = Dense::new(1).kernel_initializer("training>quarter").shared();
    layer.build(&Shape::from([None, Some(2)])).unwrap();
    assert_eq!(layer.get_weights()[0].to_vec::<f32>().unwrap(), [0.25, 0.25]);
}

/// Replaces Keras's `Lambda`.
#[derive(KerasSerializable)]
#[keras(new, allow_unknown)]
struct Double {
    base: LayerBase,
}

impl Layer for Double {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        ops::multiply(inputs.tensor()?, 2.0).map(Into::into)
    }
}

#[test]
fn lambdas_are_refused_or_mapped() {
    let double = || CustomObjects::new().with_named::<Double>("Lambda");
    let bytes = std::fs::read(path("lambdas.keras")).unwrap();
    let error = LoadOptions::new().custom_objects(double()).load_model_from_bytes(bytes.clone()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CodeRefused, "{error}");
    assert!(
        error.to_string().contains("with_fn(\"<lambda>\"") && error.to_string().contains("replace_lambda"),
        "{error}"
    );
    let one = LoadOptions::new().custom_objects(double()).replace_lambda("dense/activation", "training>half");
    assert_eq!(one.load_model_from_bytes(bytes.clone()).unwrap_err().kind(), ErrorKind::CodeRefused);
    let both = one.replace_lambda("dense/kernel_regularizer", "training>shrink");
    let model = both.load_model_from_bytes(bytes.clone()).unwrap();
    let by_name =
        LoadOptions::new().custom_objects(double().with_fn("<lambda>", half)).load_model_from_bytes(bytes).unwrap();
    let x = data().0;
    assert_eq!(outputs(&model, &x), outputs(&by_name, &x));
}

#[test]
fn a_quantized_layer_with_a_low_rank_update_is_saved_with_it() {
    let x: Vec<f32> = (0..24u8).map(|i| f32::from(i % 6)).collect();
    let x = Tensor::from_vec(x, [6, 4]).unwrap();
    for mode in ["int8", "int4", "int4_blocks"] {
        let name = format!("low_rank_{mode}_after");
        let (model, report) = open(&name);
        assert!(report.is_complete(), "{report}");
        assert_near(&name, &outputs(&model, &x), &fact(&name, "outputs"), 1e-4);
        // The factors that Keras's file was made with give the integers that it holds.
        let (model, _) = again(&model);
        assert_near(&name, &outputs(&model, &x), &fact(&name, "again"), 1e-5);
        for weight in
            model.weights().iter().filter(|weight| weight.name().starts_with("lora_") && weight.name().ends_with("_b"))
        {
            let count = weight.shape().num_elements().unwrap();
            let values: Vec<f32> = (0..count).map(|i| (i as f32).cos() * 0.1).collect();
            weight.assign(&Tensor::from_vec(values, weight.shape().clone()).unwrap()).unwrap();
        }
        let before = outputs(&model, &x);
        let after = outputs(&again(&model).0, &x);
        let largest = before.iter().fold(0.0f32, |largest, y| largest.max(y.abs()));
        let tolerance = if mode == "int8" { 0.02 } else { 0.3 };
        assert!(
            before.iter().zip(&after).all(|(a, b)| (a - b).abs() < tolerance * largest),
            "{mode}: {before:?} {after:?}"
        );
    }
}

#[test]
fn compile_names_what_it_does_not_know() {
    let model = Sequential::new([Input::new([4]).layer(), Dense::new(1).into()]).unwrap();
    for (compile, near) in [
        (Compile::new("sgd", "mean_square_error"), "mean_squared_error"),
        (Compile::new("sgd", "mse").metrics(["accurcy"]), "accuracy"),
        (Compile::new("adm", "mse"), "dam"),
    ] {
        let error = model.compile(compile).unwrap_err().to_string();
        assert!(error.contains("did you mean") && error.contains(near), "{error}");
        assert!(!model.is_compiled());
    }
    model.compile(Compile::new("sgd", "CE").metrics(["acc", "Accuracy"])).unwrap();
}
