use super::schedules::CosineDecay;
use super::*;
use crate::constraints::NonNeg;
use crate::error::{Error, ErrorKind};
use crate::json::value;
use crate::object::Handle;
use crate::ops;
use crate::tensor::DType;
use crate::variable::{GradientTape, VariableOptions};

fn variable(name: &str, values: &[f32]) -> Variable {
    Variable::with_value(name, tensor(values))
}

fn tensor(values: &[f32]) -> Tensor {
    Tensor::from_slice(values, [values.len()]).unwrap()
}

fn values(variable: &Variable) -> Vec<f32> {
    variable.read().to_vec().unwrap()
}

#[test]
fn names_are_found_as_keras_finds_them() {
    for (name, class) in [("adam", "Adam"), ("RMSprop", "RMSprop"), ("ADAMW", "AdamW"), ("AdaGrad", "Adagrad")] {
        assert_eq!(format!("{:?}", get(&name.into()).unwrap()), class);
    }
    let old = value!({"class_name": "sgd", "config": {"learning_rate": 0.5, "decay": 0.0}});
    assert_eq!(get(&old).unwrap().learning_rate().unwrap(), 0.5);
    assert_eq!(get(&"addam".into()).unwrap_err().kind(), ErrorKind::UnknownObject);
    let broken = Optimizer::from("addam");
    assert_eq!(broken.learning_rate().unwrap_err().kind(), ErrorKind::UnknownObject);
    assert!(broken.apply(&[Some(tensor(&[1.0]))], &[variable("w", &[1.0])]).is_err());
}

#[test]
fn arguments_are_checked() {
    let config = |class: &str, config: Value| {
        let form =
            value!({"module": "keras.optimizers", "class_name": class, "config": config, "registered_name": null});
        Optimizer::deserialize(&form).unwrap_err().to_string()
    };
    assert!(config("Adam", value!({"learning_rate": 1})).contains("should be float"));
    assert!(config("Adam", value!({"clipnorm": 1.0, "clipvalue": 1})).contains("clipnorm=1.0, clipvalue=1"));
    assert!(config("Adam", value!({"gradient_accumulation_steps": 1})).contains("an integer >= 2"));
    assert!(config("Adam", value!({"use_ema": true, "ema_momentum": 1.5})).contains("in the range [0, 1]"));
    assert!(config("Adam", value!({"lr": 0.1})).contains("unknown entry `lr`"));
    assert!(config("AdamW", value!({"weight_decay": null})).contains("`weight_decay` must be a float"));
    assert!(config("SGD", value!({"momentum": 1})).contains("must be a float between [0, 1]"));
    assert!(config("Ftrl", value!({"beta": 0.0, "learning_rate_power": 0.5})).contains("needs to be negative or zero"));
    assert!(
        config("LossScaleOptimizer", value!({"inner_optimizer": "adam", "clipnorm": 1.0})).contains("does not support")
    );
    let function =
        value!({"module": "builtins", "class_name": "function", "config": "f", "registered_name": "function"});
    assert!(config("Adam", value!({"learning_rate": function})).contains("not supported"));
}

#[test]
fn failed_steps_change_nothing() {
    let (w, b) = (variable("w", &[1.0, 2.0]), variable("b", &[3.0]));
    let both = [w.clone(), b.clone()];
    let optimizer = Optimizer::from(Lamb::new());
    optimizer.build(&both).unwrap();
    let before = optimizer.save_own_variables().unwrap();
    let wrong = optimizer.apply(&[Some(tensor(&[1.0, 1.0])), Some(tensor(&[1.0, 1.0]))], &both).unwrap_err();
    assert_eq!((wrong.kind(), wrong.path().as_str()), (ErrorKind::Shape, "b"));
    assert!(optimizer.apply(&[None, None], &both).unwrap_err().to_string().contains("No gradients provided"));
    let unknown = optimizer.apply(&[Some(tensor(&[1.0]))], &[variable("c", &[1.0])]).unwrap_err();
    assert!(unknown.to_string().contains("Unknown variable"));
    assert_eq!((values(&w), values(&b)), (vec![1.0, 2.0], vec![3.0]));
    for (before, after) in before.iter().zip(optimizer.save_own_variables().unwrap()) {
        assert_eq!(before.to_bytes().unwrap(), after.to_bytes().unwrap());
    }
}

#[test]
fn steps_that_fail_midway_are_undone() {
    /// Fails on its second variable.
    #[derive(crate::KerasSerializable)]
    struct Halfway {
        base: OptimizerBase,
    }
    impl Optimize for Halfway {
        fn create_slots(&self, _: &[Variable]) -> Result<()> {
            Ok(())
        }
        fn update_step(&self, gradient: &Tensor, variable: &Variable, _: f64) -> Result<()> {
            if variable.name() == "b" {
                return Err(Error::new(ErrorKind::InvalidArgument, "no"));
            }
            variable.assign(gradient)
        }
    }
    let both = [variable("w", &[1.0]), variable("b", &[2.0])];
    let optimizer = Optimizer::from(Halfway { base: OptimizerBase::default() });
    let gradients = [Some(tensor(&[5.0])), Some(tensor(&[5.0]))];
    assert_eq!(optimizer.apply(&gradients, &both).unwrap_err().to_string(), "no");
    assert_eq!((values(&both[0]), optimizer.iterations().unwrap()), (vec![1.0], 0));
}

#[test]
fn values_read_before_a_step_stay() {
    let w = variable("w", &[1.0]);
    let before = w.read();
    Optimizer::from(SGD::new().learning_rate(1.0)).apply(&[Some(tensor(&[3.0]))], std::slice::from_ref(&w)).unwrap();
    assert_eq!((before.to_vec::<f32>().unwrap(), values(&w)), (vec![1.0], vec![-2.0]));
}

#[test]
fn constraints_hold_after_steps() {
    let options = VariableOptions {
        name: "w".into(),
        path: "w".into(),
        trainable: true,
        saved: true,
        autocast: false,
        regularizer: None,
        constraint: Some(NonNeg.into()),
    };
    let w = Variable::new(tensor(&[1.0, 1.0]), options);
    Optimizer::from(SGD::new().learning_rate(1.0))
        .apply(&[Some(tensor(&[3.0, -3.0]))], std::slice::from_ref(&w))
        .unwrap();
    assert_eq!(values(&w), [0.0, 4.0]);
}

// o = keras.optimizers.SGD(1.0, weight_decay=0.5); o.exclude_from_weight_decay(var_names=["bia."]); o.apply([0, 0], [k, b])
#[test]
fn weight_decay_spares_what_is_excluded() {
    let both = [variable("kernel", &[1.0]), variable("bias", &[1.0])];
    let optimizer = Optimizer::from(SGD::new().learning_rate(1.0).weight_decay(0.5));
    optimizer.exclude_from_weight_decay(&[], &["bia."]).unwrap();
    optimizer.apply(&[Some(tensor(&[0.0])), Some(tensor(&[0.0]))], &both).unwrap();
    assert_eq!((values(&both[0]), values(&both[1])), (vec![0.5], vec![1.0]));
    assert_eq!(optimizer.exclude_from_weight_decay(&[], &["(?=x)"]).unwrap_err().kind(), ErrorKind::Unsupported);
}

// o = keras.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5); two steps by 1 from 4; o.finalize_variable_values([w])
#[test]
fn averages_replace_weights_at_the_end() {
    let w = variable("w", &[4.0]);
    let optimizer = Optimizer::from(SGD::new().learning_rate(1.0).use_ema(true).ema_momentum(0.5));
    for _ in 0..2 {
        optimizer.apply(&[Some(tensor(&[1.0]))], std::slice::from_ref(&w)).unwrap();
    }
    assert_eq!(values(&w), [2.0]);
    optimizer.finalize_variable_values(std::slice::from_ref(&w)).unwrap();
    assert_eq!(values(&w), [2.5]);
}

#[test]
fn learning_rates_are_set() {
    let optimizer = Optimizer::from(Adam::new());
    assert_eq!(optimizer.variables().unwrap().len(), 2);
    optimizer.set_learning_rate(0.5.into()).unwrap();
    assert_eq!(optimizer.get_config().unwrap()["learning_rate"], Value::Float(0.5));
    optimizer.set_learning_rate(CosineDecay::new(0.25, 10).into()).unwrap();
    assert_eq!((optimizer.learning_rate().unwrap(), optimizer.variables().unwrap().len()), (0.25, 1));
    assert!(optimizer.set_learning_rate(0.5.into()).unwrap_err().to_string().contains("not settable"));
}

#[test]
fn state_goes_to_another_optimizer() {
    let w = [variable("w", &[1.0, 2.0])];
    let (first, second) = (Optimizer::from(Adam::new()), Optimizer::from(Adam::new()));
    first.apply(&[Some(tensor(&[1.0, -1.0]))], &w).unwrap();
    let saved = first.save_own_variables().unwrap();
    let error = second.load_own_variables(&saved).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Weights);
    assert!(error.to_string().contains("Expected 2 variables. Received: 4 variables"));
    second.build(&w).unwrap();
    second.load_own_variables(&saved).unwrap();
    assert_eq!(second.iterations().unwrap(), 1);
    let mut wrong = saved.clone();
    wrong[3] = tensor(&[1.0]);
    assert!(second.load_own_variables(&wrong).is_err());
    assert_eq!(values(&second.variables().unwrap()[2]), values(&first.variables().unwrap()[2]));
}

// keras.optimizers.LossScaleOptimizer(SGD(1.0), initial_scale=8.0, dynamic_growth_steps=2)
#[test]
fn loss_scales_follow_the_gradients() {
    let w = variable("w", &[1.0]);
    let sgd = SGD::new().learning_rate(1.0).loss_scale_factor(2.0);
    let optimizer = Optimizer::from(LossScaleOptimizer::new(sgd).initial_scale(8.0).dynamic_growth_steps(2));
    let scale = || optimizer.scale_loss(&Tensor::scalar(1f32).unwrap()).unwrap().item::<f32>().unwrap();
    let step = |gradient: f32| optimizer.apply(&[Some(tensor(&[gradient]))], std::slice::from_ref(&w)).unwrap();
    step(8.0);
    assert_eq!((values(&w), scale()), (vec![0.0], 8.0));
    step(f32::INFINITY);
    assert_eq!((values(&w), scale(), optimizer.iterations().unwrap()), (vec![0.0], 4.0, 1));
    step(4.0);
    step(4.0);
    assert_eq!((values(&w), scale()), (vec![-2.0], 8.0));
}

#[test]
fn other_dtypes_are_kept() {
    // In bfloat16 `beta_2` is 1: only weight decay changes anything, as in Keras.
    for (dtype, expected) in [(DType::Float64, 0.625), (DType::Float16, 0.625), (DType::BFloat16, 0.875)] {
        let w = Variable::with_value("w", crate::ops::dtypes::cast(&tensor(&[1.0]), dtype).unwrap());
        let optimizer = Optimizer::from(Adam::new().learning_rate(0.25).clipnorm(1.0).weight_decay(0.5));
        optimizer.apply(&[Some(tensor(&[3.0]))], std::slice::from_ref(&w)).unwrap();
        assert_eq!((w.dtype(), optimizer.variables().unwrap()[2].dtype()), (dtype, dtype));
        assert!((super::kernel::number(&w.read()).unwrap() - expected).abs() < 1e-2);
    }
}

#[test]
fn maps_refuse_what_keras_refuses() {
    let w = [variable("w", &[1.0])];
    let map = OptimizerMap::new(SGD::new()).with("w.*", Adam::new()).with(".*w", Adam::new());
    let error = Optimizer::from(MultiOptimizer::new(map)).build(&w).unwrap_err();
    assert!(error.to_string().contains("Multiple optimizers assigned to variable w"));
    let map = OptimizerMap::new(LossScaleOptimizer::new(SGD::new()));
    assert!(Optimizer::from(MultiOptimizer::new(map)).build(&w).is_err());
    let multi = Optimizer::from(MultiOptimizer::new(OptimizerMap::new(SGD::new())));
    assert!(multi.learning_rate().unwrap_err().to_string().contains("cannot be accessed on a MultiOptimizer"));
    let form = Handle::serialize(&multi).unwrap();
    assert_eq!(Handle::serialize(&Optimizer::deserialize(&form).unwrap()).unwrap(), form);
}

/// A gradient that Keras passes to optimizers as `IndexedSlices`: row 0 was looked up twice, row 2 once.
fn gradient_of_lookups(table: &Variable) -> Tensor {
    let tape = GradientTape::new();
    let rows = table.rows(&Tensor::from_slice(&[0i32, 0, -1], [3]).unwrap()).unwrap();
    let slopes = Tensor::from_slice(&[1.0f32, 2.0, 3.0, -1.0, 0.5, 0.5], [3, 2]).unwrap();
    let loss = ops::sum(&ops::multiply(&rows, &slopes).unwrap(), ops::Axes::all(), false).unwrap();
    let (mut gradients, _) = tape.gradient(&loss, std::slice::from_ref(table), &[]).unwrap();
    gradients.pop().flatten().unwrap()
}

/// Numbers from Keras 3.15.1 on TensorFlow: `optimizer.apply([tf.IndexedSlices([[1, 2], [3, -1],
/// [.5, .5]], [0, 0, 2], [3, 2])], [variable])`.
#[test]
fn lookups_of_one_row_are_squared_one_by_one() {
    let untouched = [1.0, 1.0];
    let cases: [(Optimizer, [f32; 4]); 13] = [
        (Adam::new().learning_rate(0.1).into(), [0.87351, 0.95528, 0.9, 0.9]),
        (Adam::new().learning_rate(0.1).clipnorm(0.5).into(), [0.87351, 0.95528, 0.90001, 0.90001]),
        (Adam::new().learning_rate(0.1).global_clipnorm(0.5).into(), [0.9, 0.9, 0.90001, 0.90001]),
        (Adam::new().learning_rate(0.1).clipvalue(0.3).into(), [0.85858, 1.0, 0.9, 0.9]),
        (Adagrad::new().learning_rate(0.1).into(), [0.87414, 0.95572, 0.91548, 0.91548]),
        (Adamax::new().learning_rate(0.1).into(), [0.9, 0.96667, 0.9, 0.9]),
        (RMSprop::new().learning_rate(0.1).into(), [0.6, 0.85858, 0.68377, 0.68377]),
        (Adadelta::new().learning_rate(0.1).into(), [0.99982, 0.99994, 0.99986, 0.99986]),
        (Adafactor::new().learning_rate(0.1).into(), [0.87300, 0.95563, 0.91305, 0.8785]),
        (Nadam::new().learning_rate(0.1).into(), [0.86557, 0.95247, 0.89372, 0.89372]),
        (Lamb::new().learning_rate(0.1).into(), [0.84106, 0.9438, 0.87434, 0.87434]),
        (ScheduleFreeAdamW::new().learning_rate(0.1).into(), [0.87351, 0.95528, 0.9, 0.9]),
        (SGD::new().learning_rate(0.1).clipnorm(0.5).into(), [0.9492, 0.9873, 0.99365, 0.99365]),
    ];
    for (optimizer, [a, b, c, d]) in cases {
        let table = Variable::with_value("embeddings", Tensor::from_slice(&[1.0f32; 6], [3, 2]).unwrap());
        optimizer.apply(&[Some(gradient_of_lookups(&table))], std::slice::from_ref(&table)).unwrap();
        let expected = [a, b, untouched[0], untouched[1], c, d];
        for (actual, expected) in values(&table).iter().zip(expected) {
            assert!((actual - expected).abs() < 2e-5, "{optimizer:?}: {actual}, expected {expected}");
        }
    }
}

/// Accumulated gradients are sums, and so is a gradient to which a penalty's is added.
#[test]
fn sums_of_lookups_are_squared_where_they_are_added_to() {
    let table = Variable::with_value("embeddings", Tensor::from_slice(&[1.0f32; 6], [3, 2]).unwrap());
    let optimizer = Optimizer::from(Adam::new().learning_rate(0.1).gradient_accumulation_steps(2));
    for _ in 0..2 {
        optimizer.apply(&[Some(gradient_of_lookups(&table))], std::slice::from_ref(&table)).unwrap();
    }
    assert!(values(&table).iter().zip([0.9, 0.9, 1.0, 1.0, 0.9, 0.9]).all(|(w, expected)| (w - expected).abs() < 1e-5));

    let tape = GradientTape::new();
    let rows = table.rows(&Tensor::from_slice(&[0i32, 0], [2]).unwrap()).unwrap();
    let all = ops::Axes::all;
    let sums = [ops::sum(&rows, all(), false).unwrap(), ops::sum(&table.value().unwrap(), all(), false).unwrap()];
    let (gradients, _) =
        tape.gradient(&ops::add(&sums[0], &sums[1]).unwrap(), std::slice::from_ref(&table), &[]).unwrap();
    let gradient = gradients[0].clone().unwrap();
    assert!(gradient.rows().is_none());
    assert_eq!(gradient.to_vec::<f32>().unwrap(), [3.0, 3.0, 1.0, 1.0, 1.0, 1.0]);
    assert!(table.rows(&Tensor::from_slice(&[3i32], [1]).unwrap()).is_err());
}
