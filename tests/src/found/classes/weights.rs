//! Weights of all kinds, and variables that are not created in `build`.

use keras_serial::prelude::*;
use keras_serial::random::{Seed, SeedGenerator};

/// Weights of all kinds.
#[register(package = "attr")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Kinds {
    base: LayerBase,
    #[keras(weight(name = "same"))]
    b_first: Weight,
    #[keras(weight(name = "same"))]
    a_second: Weight,
    #[keras(weight)]
    scalar: Weight,
    #[keras(weight)]
    count: Weight,
    #[keras(weight)]
    flags: Weight,
    #[keras(weight)]
    bytes: Weight,
    #[keras(weight)]
    small: Weight,
    #[keras(weight)]
    empty: Weight,
    #[keras(weight)]
    half: Weight,
    #[keras(weight)]
    brain: Weight,
    #[keras(weight)]
    double: Weight,
    #[keras(weight)]
    big: Weight,
    #[keras(weight)]
    table: Weight,
}

impl Layer for Kinds {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        let d = input.last()?;
        let (ones, zeros) = (Initializer::from("ones"), Initializer::from("zeros"));
        self.b_first.make(cx, [d]).initializer(&ones).trainable(false).create()?;
        self.a_second.make(cx, [d]).create()?;
        self.scalar.make(cx, Shape::scalar()).initializer(&ones).create()?;
        let mut state = |weight: &Weight, shape: &[usize], dtype, first: &Initializer| {
            weight.make(cx, shape.to_vec()).dtype(dtype).trainable(false).initializer(first).create()
        };
        state(&self.count, &[], DType::Int64, &zeros)?;
        state(&self.flags, &[d], DType::Bool, &ones)?;
        state(&self.bytes, &[2, d], DType::UInt8, &zeros)?;
        state(&self.small, &[d], DType::Int8, &ones)?;
        self.empty.make(cx, [0, d]).create()?;
        self.half.make(cx, [d]).dtype(DType::Float16).initializer(&ones).create()?;
        self.brain.make(cx, [d]).dtype(DType::BFloat16).initializer(&ones).create()?;
        let mut state = |weight: &Weight, shape: &[usize], dtype, first: &Initializer| {
            weight.make(cx, shape.to_vec()).dtype(dtype).trainable(false).initializer(first).create()
        };
        state(&self.double, &[d], DType::Float64, &ones)?;
        state(&self.big, &[d], DType::UInt32, &ones)?;
        state(&self.table, &[3], DType::Int32, &zeros)
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?;
        let cast = |weight: &Weight| ops::cast_to(&weight.value()?, x.dtype());
        let mut y = ops::add(&ops::multiply(x, &self.b_first.value()?)?, &self.a_second.value()?)?;
        y = ops::add(&ops::multiply(&y, &self.scalar.value()?)?, &cast(&self.count)?)?;
        // Where a flag is false, the sign is flipped: flags of 0 and 1 become factors of -1 and 1.
        let sign = ops::subtract(&ops::multiply(&cast(&self.flags)?, 2.0)?, 1.0)?;
        y = ops::multiply(&y, &sign)?;
        let rows = ops::sum(&self.bytes.value()?, 0, false)?;
        y = ops::add(&y, &ops::cast_to(&rows, x.dtype())?)?;
        y = ops::add(&y, &cast(&self.small)?)?;
        y = ops::add(&y, &ops::sum(&self.empty.value()?, ops::Axes::all(), false)?)?;
        for weight in [&self.half, &self.brain, &self.double, &self.big] {
            y = ops::add(&y, &cast(weight)?)?;
        }
        let table = ops::sum(&self.table.value()?, ops::Axes::all(), false)?;
        ops::add(&y, &ops::cast_to(&table, x.dtype())?).map(Into::into)
    }
}

/// Variables created in `__init__`, singly and in a list, and a seed generator.
#[register(package = "attr")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Variables {
    base: LayerBase,
    #[keras(default = Seed::from(3))]
    seed: Seed,
    #[keras(weight)]
    gain: Weight,
    #[keras(weight)]
    steps: Weight,
    #[keras(weight)]
    many: [Weight; 2],
    #[keras(seed_generator)]
    random: SeedGenerator,
}

impl Layer for Variables {
    fn build(&self, _: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        let ones = Initializer::from("ones");
        self.gain.make(cx, Shape::scalar()).initializer(&ones).create()?;
        self.steps.make(cx, Shape::scalar()).dtype(DType::Int32).trainable(false).create()?;
        self.many.iter().try_for_each(|weight| weight.make(cx, [3]).initializer(&ones).create())
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let mut x = inputs.tensor()?.clone();
        if cx.is_training() {
            let noise = self.random.normal(&self.seed, x.shape(), 0.0, 1.0, x.dtype())?;
            x = ops::add(&x, &ops::multiply(&noise, 0.0)?)?;
        }
        let [scale, shift] = &self.many;
        let x = ops::multiply(&ops::multiply(&x, &self.gain.value()?)?, &scale.value()?)?;
        let steps = ops::cast_to(&self.steps.value()?, x.dtype())?;
        ops::add(&ops::add(&x, &shift.value()?)?, &steps).map(Into::into)
    }
}
