//! Many threads load, predict, register and look up concurrently.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use keras_serial::prelude::*;
use keras_serial::registry::{self, Entry};

use crate::{fixture, outputs};

const THREADS: usize = 8;
const ROUNDS: usize = 40;

fn twice(x: &Tensor) -> Result<Tensor> {
    ops::add(x, x)
}

#[test]
fn threads_load_predict_register_and_look_up_at_once() {
    let shared = load_model(fixture("small.keras")).unwrap();
    let expected = outputs(&shared);
    let start = Barrier::new(THREADS);
    let registered = AtomicUsize::new(0);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (shared, expected, start, registered) = (&shared, &expected, &start, &registered);
            scope.spawn(move || {
                start.wait();
                for round in 0..ROUNDS {
                    // Each thread begins with another of the four.
                    match (thread + round) % 4 {
                        0 => {
                            let own = load_model(fixture("small.keras")).unwrap();
                            assert_eq!(&outputs(&own), expected);
                        }
                        1 => assert_eq!(&outputs(shared), expected),
                        2 => {
                            let name = format!("twice_{thread}_{round}");
                            registry::register(Entry::of_fn(&name, twice).in_package("Threads")).unwrap();
                            assert!(registry::get_registered_object(&format!("Threads>{name}")).is_ok());
                            registered.fetch_add(1, Ordering::Relaxed);
                        }
                        _ => {
                            // What others register comes and stays; what nobody does is not there.
                            let count = registry::get_custom_objects().len();
                            assert!(registry::get_registered_object("Threads>nobody's").is_err());
                            assert!(registry::get_custom_objects().len() >= count);
                        }
                    }
                }
            });
        }
    });
    let names = registry::get_custom_objects();
    let ours = names.iter().filter(|entry| entry.registered_name().starts_with("Threads>twice_")).count();
    assert_eq!(ours, registered.load(Ordering::Relaxed));
    assert_eq!(ours, THREADS * ROUNDS / 4);
}

/// A failed load in one thread and a scope in another do not affect the other threads.
#[test]
fn loads_under_contention_keep_weights_apart() {
    let home = tempfile::tempdir().unwrap();
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let path = home.path().join(format!("{thread}.keras"));
            let start = &start;
            scope.spawn(move || {
                let model = crate::small();
                for weight in model.weights() {
                    let value = ops::full(weight.shape(), thread as f64, weight.dtype()).unwrap();
                    weight.assign(&value).unwrap();
                }
                model.save(&path).unwrap();
                start.wait();
                for _ in 0..10 {
                    assert!(load_model(fixture("bomb_config.keras")).is_err());
                    let again = load_model(&path).unwrap();
                    assert_eq!(crate::bits(&again), crate::bits(&model));
                }
            });
        }
    });
}
