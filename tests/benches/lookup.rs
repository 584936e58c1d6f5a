//! How long a look-up by registered name takes with few and many objects: `cargo bench --bench lookup`.

use std::hint::black_box;
use std::time::Instant;

use keras_serial::prelude::*;
use keras_serial::registry::{self, Entry};

fn twice(x: &Tensor) -> Result<Tensor> {
    ops::add(x, x)
}

/// Nanoseconds a look-up, the best of several rounds.
fn nanoseconds(names: &[String]) -> f64 {
    const ROUNDS: usize = 20;
    const LOOK_UPS: usize = 100_000;
    let round = || {
        let start = Instant::now();
        for name in names.iter().cycle().take(LOOK_UPS) {
            black_box(registry::get_registered_object(black_box(name))).expect("it is registered");
        }
        start.elapsed().as_secs_f64() * 1e9 / LOOK_UPS as f64
    };
    (0..ROUNDS).map(|_| round()).fold(f64::INFINITY, f64::min)
}

fn main() -> Result<()> {
    let _own = registry::isolate();
    registry::clear_custom_objects();
    let mut names: Vec<String> = Vec::new();
    for count in [10, 300, 3000] {
        for index in names.len()..count {
            let name = format!("layer_{index}");
            registry::register(Entry::of_fn(&name, twice).in_package("MyLayers"))?;
            names.push(format!("MyLayers>{name}"));
        }
        println!("{count:>5} objects: {:>6.1} ns a look-up", nanoseconds(&names));
    }
    Ok(())
}
