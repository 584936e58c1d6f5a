use keras_serial::prelude::*;

#[register(package = "Mine")]
#[derive(KerasSerializable)]
struct Quantile {
    quantile: f64,
}

impl ComputeLoss for Quantile {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        ops::multiply(&ops::subtract(y_true, y_pred)?, self.quantile)
    }
}

fn main() {}
