//! The expansion names everything by its full path.
#![no_implicit_prelude]

#[::keras_serial::register]
#[derive(::keras_serial::KerasSerializable)]
struct Plain {
    units: usize,
    #[keras(default)]
    rate: ::std::option::Option<f64>,
}

#[derive(::keras_serial::KerasEnum)]
enum Padding {
    Valid,
    Same,
}

pub(super) fn main() {
    let plain = Plain { units: 1, rate: ::std::option::Option::None };
    let _ = (plain.units, plain.rate, Padding::Valid, Padding::Same);
}
