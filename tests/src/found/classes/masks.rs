//! Masks, and tensors as keyword arguments.

use keras_serial::prelude::*;
use keras_serial::tensor::Item;

/// A layer of two inputs with masks: returns the second one's.
#[register(package = "masks")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct PairMasked {
    base: LayerBase,
}

impl Layer for PairMasked {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let inputs = inputs.inputs()?;
        let [a, b] = inputs.leaves()[..] else { return Err(two_inputs()) };
        let out = ops::add(a, b)?;
        match cx.masks().get(1).cloned().flatten() {
            Some(mask) => {
                let mask = ops::expand_dims(&mask, -1)?;
                ops::multiply(&out, ops::cast_to(&mask, out.dtype())?).map(Into::into)
            }
            None => Ok(out.into()),
        }
    }

    fn traits(&self) -> LayerTraits {
        LayerTraits::new().supports_masking(true)
    }

    fn compute_mask(&self, _: &CallArgs, masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![masks.get(1).cloned().flatten()])
    }
}

fn two_inputs() -> Error {
    Error::new(ErrorKind::InvalidArgument, "wrong inputs").expected("a list of two tensors")
}

/// A layer with tensors as keyword arguments, one of them optional, and a number.
#[register(package = "masks")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Scale {
    base: LayerBase,
}

impl Layer for Scale {
    fn signature(&self) -> Signature {
        Signature::new(&["x", "scale", "shift", "factor"])
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let mut x = inputs.tensor()?.clone();
        if let Some(scale) = inputs.optional("scale")? {
            x = ops::multiply(&x, scale)?;
        }
        if let Some(shift) = inputs.structure("shift")? {
            let part = |key: &str| match shift.get(key) {
                Some(part) => part.single(),
                None => Err(Error::new(ErrorKind::InvalidArgument, format!("no `{key}`")).at("shift")),
            };
            x = ops::subtract(&ops::add(&x, part("a")?)?, part("b")?)?;
        }
        let factor = match inputs.get("factor") {
            None => return Ok(x.into()),
            Some(Nested::Leaf(Item::Value(factor))) => f64::from_value(factor)?,
            Some(_) => return Err(Error::new(ErrorKind::InvalidArgument, "wrong type").at("factor")),
        };
        ops::multiply(&x, factor).map(Into::into)
    }
}
