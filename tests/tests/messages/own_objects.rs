//! Mistakes in layers and losses of one's own.

use keras_serial::prelude::*;

use crate::{Page, numbers, one};

macro_rules! layer {
    ($name:ident { $($fields:tt)* } $($methods:tt)*) => {
        #[derive(KerasSerializable)]
        #[keras(new, setters)]
        struct $name {
            base: LayerBase,
            $($fields)*
        }

        impl Layer for $name {
            $($methods)*
        }
    };
}

layer! {
    MakesNone { #[keras(weight)] kernel: Weight, }

    fn call(&self, _: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(self.kernel.value()?.into())
    }
}

layer! {
    MakesTwo { #[keras(weight)] kernel: Weight, }

    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        self.kernel.create(cx, [input.last()?], None, None)?;
        self.kernel.create(cx, [input.last()?], None, None)
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        inputs.inputs()
    }
}

layer! {
    OfAllRows { #[keras(weight)] kernel: Weight, }

    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        self.kernel.create(cx, input, None, None)
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        inputs.inputs()
    }
}

layer! {
    Looks {}

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let values = inputs.tensor()?.to_vec::<f32>()?;
        Tensor::from_vec(values, inputs.tensor()?.shape()).map(Into::into)
    }
}

layer! {
    MakesLayers {}

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        Dense::new(3).name("inner").shared().call(inputs.tensor()?, cx)
    }
}

layer! {
    Unregistered {}

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        inputs.inputs()
    }
}

layer! {
    Checked { #[keras(default)] penalty: Option<Regularizer>, }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        inputs.inputs()
    }
}

#[derive(KerasSerializable)]
#[keras(new)]
struct OddLoss {
    base: LossBase,
}

impl ComputeLoss for OddLoss {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        ops::reshape(&(y_true - y_pred)?, &Shape::from([7]))
    }
}

pub fn add(page: &mut Page) {
    page.section("Objects of one's own");
    let symbol = || Input::new([2]).name("x").tensor().unwrap();
    page.error("A `build` that makes no weight.", MakesNone::new().name("mine").apply(numbers([1, 2])));
    page.error("A weight that is made twice.", MakesTwo::new().name("mine").apply(symbol()));
    page.error("A weight of the shape of the whole input.", OfAllRows::new().name("mine").apply(symbol()));
    page.error("A weight that is read before the layer is built.", MakesNone::new().kernel.value());
    page.error("`to_vec` in `call`.", Looks::new().name("mine").apply(symbol()));
    let saved = |layer: LayerRef| {
        let model = Sequential::named("model", layers![Input::new([2]), layer]).unwrap();
        SaveOptions::new().save_model_to_bytes(&model)
    };
    page.error("A layer that is made in `call`.", saved(MakesLayers::new().name("mine").shared()));
    let bytes = saved(Unregistered::new().name("mine").shared()).unwrap();
    page.error("A layer that is not registered.", LoadOptions::new().load_model_from_bytes(bytes));
    let penalty = Checked::new().penalty("l22").name("mine").apply(numbers([1, 2]));
    page.error("A misspelt name in an own argument.", penalty);
    let model = one();
    model.compile(Compile::new("sgd", OddLoss::new())).unwrap();
    let fit = model.fit((&numbers([8, 4]), &numbers([8, 2])), Fit::new().verbose(0));
    page.error("An own loss that returns another shape.", fit);
}
