//! A default that calls the user's function `config`.
use keras_serial::prelude::*;
pub struct Settings {
    pub rate: f64,
}
fn config() -> Settings {
    Settings { rate: 0.5 }
}
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Own {
    #[keras(default = config().rate)]
    rate: f64,
}
pub(super) fn main() {
    println!("{}", Own::new().rate);
}
