use keras_serial::prelude::*;

struct Mine;

fn main() {
    let _ = CustomObjects::new().with::<Mine>();
}
