//! Classes that keep layers in lists, in maps, and in both nested.

use indexmap::IndexMap;
use keras_serial::prelude::*;

fn dense(units: usize) -> LayerRef {
    Dense::new(units).shared()
}

/// A list of layers with lists in it, a map of layers with maps in it, and a private layer that a
/// property returns: Keras saves it under the property.
#[register(package = "attr")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct UnderLayers {
    base: LayerBase,
    width: usize,
    #[keras(sublayer(name = "_stack", init = stack(width)))]
    stack: Stack,
    #[keras(sublayer(init = (dense(1), dense(2), (dense(2),))))]
    heads: (LayerRef, LayerRef, (LayerRef,)),
    #[keras(sublayer(name = "embedding", init = Dense::new(width).activation("tanh").shared()))]
    inner: LayerRef,
}

/// Python's `[layer, layer, [layer, (layer, layer)]]`.
type Stack = (LayerRef, LayerRef, (LayerRef, (LayerRef, LayerRef)));

fn stack(width: usize) -> Stack {
    let tanh = Dense::new(width).activation("tanh").shared();
    let last = (LayerNormalization::new().shared(), (dense(width), tanh));
    (Dense::new(width).activation("relu").shared(), dense(width), last)
}

impl Layer for UnderLayers {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        let (first, second, (norm, (a, b))) = &self.stack;
        let inner = input.with(-1, Some(self.width))?;
        cx.build_layer(first, input)?;
        let (zeta, alpha, (mid,)) = &self.heads;
        for layer in [second, norm, a, b, zeta, alpha, mid, &self.inner] {
            cx.build_layer(layer, &inner)?;
        }
        Ok(())
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let (first, second, (norm, (a, b))) = &self.stack;
        let mut x = inputs.inputs()?;
        for layer in [first, second, &self.inner, norm, a, b] {
            x = layer.call(x, cx)?;
        }
        let (zeta, alpha, (mid,)) = &self.heads;
        let heads = [zeta, alpha, mid].map(|head| head.call(x.clone(), cx)?.into_single());
        ops::concatenate(&heads.into_iter().collect::<Result<Vec<_>>>()?, -1).map(Into::into)
    }
}

/// A map of layers whose keys are not in alphabetical order.
#[register(package = "attr")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Heads {
    base: LayerBase,
    #[keras(sublayer(init = IndexMap::from([("zeta".to_owned(), dense(2)), ("alpha".to_owned(), dense(2))])))]
    heads: IndexMap<String, LayerRef>,
}

impl Layer for Heads {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        build_heads(&self.heads, input, cx)
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        difference(&self.heads, inputs, cx)
    }
}

fn build_heads(heads: &IndexMap<String, LayerRef>, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
    heads.values().try_for_each(|head| cx.build_layer(head, input))
}

fn difference(heads: &IndexMap<String, LayerRef>, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
    let head = |name: &str| match heads.get(name) {
        Some(head) => head.call(inputs.inputs()?, cx)?.into_single(),
        None => Err(Error::new(ErrorKind::Config, format!("no head `{name}`"))),
    };
    ops::subtract(&head("zeta")?, &head("alpha")?).map(Into::into)
}

macro_rules! given {
    ($($type:ident)*) => {$(
        /// The same, with the map as an argument.
        #[register(package = "attr")]
        #[derive(KerasSerializable)]
        pub struct $type {
            base: LayerBase,
            heads: IndexMap<String, LayerRef>,
        }

        impl Layer for $type {
            fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
                build_heads(&self.heads, input, cx)
            }

            fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
                difference(&self.heads, inputs, cx)
            }
        }
    )*};
}

given! { Given GivenIndexed }

/// A wrapper with its own weight.
#[register(package = "attr")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct WeightNorm {
    base: LayerBase,
    layer: LayerRef,
    #[keras(weight)]
    g: Weight,
}

impl WeightNorm {
    fn kernel(&self) -> Result<Tensor> {
        match self.layer.weights().first() {
            Some(kernel) => kernel.value(),
            None => Err(Error::new(ErrorKind::NotBuilt, "the layer inside has no kernel")),
        }
    }
}

impl Layer for WeightNorm {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        cx.build_layer(&self.layer, input)?;
        let features = self.kernel()?.shape().last()?;
        self.g.create(cx, [features], Some(&"ones".into()), None)
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let kernel = self.kernel()?;
        let axes = ops::Axes(Some((0..kernel.rank() as isize - 1).collect()));
        let norm = ops::sqrt(&ops::sum(&ops::square(&kernel)?, axes, false)?)?;
        let x = self.layer.call(inputs.inputs()?, cx)?.into_single()?;
        let x = ops::multiply(&x, &self.g.value()?)?;
        ops::divide(&x, &ops::add(&norm, 1.0)?).map(Into::into)
    }
}
