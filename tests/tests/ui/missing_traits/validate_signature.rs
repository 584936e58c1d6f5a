use keras_serial::prelude::*;

#[derive(KerasSerializable)]
#[config(validate = Self::check)]
struct Mine {
    units: usize,
}

impl Mine {
    fn check(&self) -> bool {
        self.units > 0
    }
}

fn main() {}
