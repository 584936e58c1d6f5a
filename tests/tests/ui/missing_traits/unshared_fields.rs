use keras_serial::prelude::*;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

#[register(package = "Mine")]
#[derive(KerasSerializable)]
struct Mine {
    base: LayerBase,
    #[keras(skip)]
    calls: Cell<usize>,
    #[keras(skip)]
    cache: RefCell<Vec<f32>>,
    #[keras(skip)]
    name: Option<Rc<str>>,
    #[keras(skip)]
    function: Option<Box<dyn Fn(f64) -> f64>>,
}

impl Layer for Mine {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(inputs.tensor()?.clone().into())
    }
}

fn main() {}
