use keras_serial::prelude::*;

fn error(y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
    y_true - y_pred
}

fn main() {
    let _ = Compile::new("adam", error).metrics(error);
}
