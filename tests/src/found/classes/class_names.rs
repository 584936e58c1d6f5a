//! Classes with unusual names, which determine paths in files.

use keras_serial::prelude::*;

macro_rules! odd {
    ($($type:ident $name:literal)*) => {$(
        /// Multiplies by a weight for each feature and adds one.
        #[register(package = "odd", name = $name)]
        #[derive(KerasSerializable)]
        #[keras(class_name = $name)]
        pub struct $type {
            base: LayerBase,
            #[keras(weight)]
            w: Weight,
        }

        impl Layer for $type {
            fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
                self.w.create(cx, [input.last()?], None, None)
            }

            fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
                let x = ops::multiply(inputs.tensor()?, &self.w.value()?)?;
                ops::add(&x, 1.0).map(Into::into)
            }
        }
    )*};
}

odd! {
    MlpHead2 "MLPHead2"
    Gpt2Block "GPT2Block"
    HttpServerV2Layer "HTTPServerV2Layer"
    Hidden "_Hidden"
    X "X"
    AbTest "ABTest"
    MyLayer "myLayer"
    Ete "Été"
    RopeAttn "RoPE_Attn"
    V2X3d "V2_X3D"
}
