use keras_serial::metrics::State;
use keras_serial::prelude::*;
use keras_serial::variable::Variable;

#[derive(KerasSerializable)]
struct Count {
    #[keras(skip)]
    state: State,
}

impl Measure for Count {
    fn update_state(&self, _: &Tensor, _: &Tensor, _: Option<&Tensor>) -> Result<()> {
        Ok(())
    }

    fn result(&self) -> Result<Nested<Tensor>> {
        Ok(Tensor::scalar(1.0f32)?.into())
    }

    fn variables(&self) -> Result<Vec<Variable>> {
        Ok(self.state.variables())
    }
}

fn main() {}
