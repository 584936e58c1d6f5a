//! Freezes a layer inside another one: which weights are trainable, and in which order.

use keras_serial::prelude::*;

/// Two layers in sequence.
#[register(package = "TrainableExample")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Pair {
    base: LayerBase,
    first: LayerRef,
    second: LayerRef,
}

impl Layer for Pair {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let x = self.first.call(inputs.inputs()?, cx)?;
        self.second.call(x, cx)
    }
}

/// Runs the example.
pub fn main() -> Result<()> {
    let (first, second) = (Dense::new(4).name("first").shared(), Dense::new(2).name("second").shared());
    let pair = Pair::new(first.clone(), second).shared();
    pair.apply(&Tensor::from_slice(&[1.0f32; 3], [1, 3])?)?;

    let names = |weights: Vec<keras_serial::variable::Variable>| -> Vec<String> {
        weights.iter().map(|weight| weight.path().rsplitn(3, '/').take(2).collect::<Vec<_>>().join(" of ")).collect()
    };
    println!("all:       {:?}", names(pair.weights()));
    assert_eq!(pair.trainable_weights().len(), 4);

    first.set_trainable(false);
    println!("trainable: {:?}", names(pair.trainable_weights()));
    assert_eq!(names(pair.trainable_weights()), ["kernel of second", "bias of second"]);
    assert_eq!(names(pair.non_trainable_weights()), ["kernel of first", "bias of first"]);

    // `fit` does not change frozen weights.
    let model = Sequential::new([Input::new([3]).layer(), pair.clone()])?;
    model.compile(Compile::new("sgd", "mse"))?;
    let before = pair.get_weights();
    let (x, y) = (ops::ones(&[4, 3].into(), DType::Float32)?, ops::full(&[4, 2].into(), 5.0, DType::Float32)?);
    model.fit((&x, &y), Fit::new().verbose(2))?;
    let moved = |i: usize| -> Result<bool> { Ok(before[i].to_vec::<f32>()? != pair.get_weights()[i].to_vec::<f32>()?) };
    assert_eq!([moved(0)?, moved(1)?, moved(3)?], [false, false, true]);
    Ok(())
}
