//! Predictors: shared by threads, without allocations once warm, frozen, and strict about buffers.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use keras_serial::models::Predictor;
use keras_serial::prelude::*;

/// The system's allocator, which counts the allocations of each thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    // A thread that ends has no counter, and allocates nothing that matters here.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: everything is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A model of images with all kinds of kernels.
fn model() -> Model {
    let input = Input::new([8, 8, 3]).tensor().unwrap();
    let x = Conv2D::new(32, 3).padding(Padding::Same).activation("relu").apply(&input).unwrap();
    let x = DepthwiseConv2D::new(3).apply(&x).unwrap();
    let x = BatchNormalization::new().apply(&x).unwrap();
    let x = MaxPooling2D::new(2).apply(&x).unwrap();
    let x = layers::Reshape::new([9, 32]).apply(&x).unwrap();
    let attended = MultiHeadAttention::new(2, 16).apply(CallArgs::from(&x).and(x.clone())).unwrap();
    let x = LayerNormalization::new().apply((&x + &attended).unwrap()).unwrap();
    let x = LSTM::new(8).apply(&x).unwrap();
    Functional::new(input, Dense::new(4).activation("softmax").apply(&x).unwrap()).unwrap()
}

fn images(rows: usize) -> Vec<f32> {
    (0..rows * 8 * 8 * 3).map(|i| (i as f32 * 0.37).sin()).collect()
}

#[test]
fn a_warm_prediction_allocates_nothing() {
    let model = model();
    for threads in [1, 2] {
        let predictor = Predictor::options().batch_sizes([1, 3]).threads(threads).build(&model).unwrap();
        assert!(predictor.plans().iter().all(|plan| plan.on_engine().is_empty()), "{}", predictor.plans()[0]);
        for rows in [1, 3] {
            let (x, mut y) = (images(rows), vec![0.0; rows * 4]);
            for _ in 0..3 {
                predictor.predict_into(&[&x], &mut [&mut y]).unwrap();
            }
            let before = ALLOCATIONS.get();
            for _ in 0..10 {
                predictor.predict_into(&[&x], &mut [&mut y]).unwrap();
            }
            assert_eq!(ALLOCATIONS.get() - before, 0, "{threads} threads, {rows} rows");
        }
    }
}

#[test]
fn sixteen_threads_share_a_predictor() {
    let model = model();
    let predictor = Predictor::options().batch_sizes([1, 2]).build(&model).unwrap();
    predictor.warm_up().unwrap();
    let expected: Vec<Vec<f32>> = (1..3)
        .map(|rows| {
            let x = Tensor::from_vec(images(rows), [rows, 8, 8, 3]).unwrap();
            predictor.predict(&[x]).unwrap().into_single().unwrap().to_vec().unwrap()
        })
        .collect();
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let (predictor, expected) = (&predictor, &expected);
            scope.spawn(move || {
                for round in 0..20 {
                    let rows = 1 + (thread + round) % 2;
                    let (x, mut y) = (images(rows), vec![f32::NAN; rows * 4]);
                    predictor.predict_into(&[&x], &mut [&mut y]).unwrap();
                    assert_eq!(y, expected[rows - 1]);
                }
            });
        }
    });
}

#[test]
fn a_predictor_is_a_snapshot() {
    let model = Sequential::new([Input::new([2]).layer(), Dense::new(1).kernel_initializer("ones").into()]).unwrap();
    let predictor = Predictor::new(&model).unwrap();
    model.weights()[0].assign(&Tensor::from_slice(&[7.0f32, 7.0], [2, 1]).unwrap()).unwrap();
    let mut y = [0.0];
    predictor.predict_into(&[&[1.0, 2.0]], &mut [&mut y]).unwrap();
    assert_eq!(y, [3.0]);
    let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 2]).unwrap();
    let y = Predictor::new(&model).unwrap().predict(&[x]).unwrap().into_single().unwrap();
    assert_eq!(y.to_vec::<f32>().unwrap(), [21.0]);
}

#[test]
fn wrong_buffers_are_errors_and_stay_as_they_are() {
    let model = Sequential::new([Input::new([2]).layer(), Dense::new(3).into()]).unwrap();
    let predictor = Predictor::options().batch_sizes([1, 2]).build(&model).unwrap();
    let mut y = [5.0f32; 3];
    let message = |error: Error| error.to_string();
    let error = message(predictor.predict_into(&[&[1.0; 5]], &mut [&mut y]).unwrap_err());
    assert!(error.contains("float32 (1, 2); or float32 (2, 2)") && error.contains("5 elements"), "{error}");
    let error = message(predictor.predict_into(&[&[1.0; 2]], &mut [&mut y[..2]]).unwrap_err());
    assert!(error.contains("float32 (1, 3)") && error.contains("2 elements"), "{error}");
    assert!(predictor.predict_into(&[&[1.0; 2]], &mut []).is_err());
    assert!(predictor.predict_into(&[&[1.0; 2], &[1.0; 2]], &mut [&mut y]).is_err());
    assert!(predictor.predict_into(&[], &mut [&mut y]).is_err());
    let mut more = [5.0f32; 3];
    assert!(predictor.predict_into(&[&[1.0; 2]], &mut [&mut y, &mut more]).is_err());
    assert_eq!((y, more), ([5.0; 3], [5.0; 3]));
    let wide = Tensor::from_slice(&[1.0f32; 6], [3, 2]).unwrap();
    assert!(predictor.predict(&[wide]).unwrap_err().to_string().contains("prepare more"));

    let words = Sequential::new([Input::new([2]).dtype("int32").layer(), Embedding::new(5, 3).into()]).unwrap();
    let error = message(Predictor::new(&words).unwrap().predict_into(&[&[1.0; 2]], &mut [&mut [0.0; 6]]).unwrap_err());
    assert!(error.contains("int32 (1, 2)"), "{error}");
}

#[test]
fn memory_is_limited() {
    let error = Predictor::options().batch_sizes([1]).memory_limit(1000).build(&model()).unwrap_err().to_string();
    assert!(error.contains("at most 1000 bytes") && error.contains("smaller batches"), "{error}");
}

#[test]
fn unknown_extents_are_asked_for() {
    let model = Sequential::new([Input::new([None, Some(2)]).layer(), LSTM::new(3).into()]).unwrap();
    let error = Predictor::new(&model).unwrap_err().to_string();
    assert!(error.contains("PredictorOptions::shapes"), "{error}");
    let predictor = Predictor::options().shapes([[1, 4, 2]]).build(&model).unwrap();
    let mut y = [0.0; 3];
    predictor.predict_into(&[&[0.5; 8]], &mut [&mut y]).unwrap();
    assert!(y.iter().all(|y| *y != 0.0));
}
