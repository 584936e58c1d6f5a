//! Files that others write at the same time: other processes, other threads, other models at the same
//! path.
//!
//! The children are this test program, started again with one of its tests and an environment variable.

use std::path::{Path, PathBuf};
use std::process::Command;

use keras_serial::prelude::*;
use keras_serial::training::data::ReadArrays;

/// The environment variable that tells a child where its file is.
const PLACE: &str = "KERAS_SERIAL_TEST_CUT";

/// A layer with four megabytes of weights.
fn large() -> Model {
    crate::sequential([Dense::new(2048).name("a").shared()], 512)
}

fn little(units: usize) -> Model {
    crate::sequential([Dense::new(units).name("a").shared(), Dense::new(3).name("b").shared()], 4)
}

fn fill(model: &Model, value: f64) {
    for weight in model.weights() {
        weight.assign(&ops::full(weight.shape(), value, weight.dtype()).unwrap()).unwrap();
    }
}

/// Returns the numbers in a model's weights.
fn numbers(model: &Model) -> Vec<f32> {
    let mut all: Vec<f32> = model.weights().iter().flat_map(|w| w.read().to_vec::<f32>().unwrap()).collect();
    all.dedup();
    all
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn save(model: &Model, path: &Path) {
    let name = path.to_string_lossy();
    if name.ends_with(".keras") || name.ends_with("m.h5") { model.save(path) } else { model.save_weights(path) }
        .unwrap();
}

fn load(path: &Path) -> Model {
    if path.extension().is_some_and(|end| end == "keras") {
        return load_model(path).unwrap();
    }
    let model = large();
    model.load_weights(path).unwrap();
    model
}

fn shards(bytes: f64) -> SaveOptions {
    SaveOptions::new().max_shard_size(bytes / f64::from(1 << 30))
}

fn outputs(model: &Model) -> Vec<f32> {
    let x: Vec<f32> = (0..512u16).map(|i| f32::from(i % 7) - 3.0).collect();
    model.predict(Tensor::from_vec(x, [1, 512]).unwrap()).unwrap().to_vec().unwrap()
}

/// The child of the next test: a file is truncated while a model loaded from it is alive, as Keras's own
/// `save` does first (`open(path, "wb")`).
#[test]
fn child_whose_file_is_cut() {
    let Some(path) = std::env::var_os(PLACE).map(PathBuf::from) else { return };
    if path.extension().is_some_and(|end| end == "npy") {
        let data = ReadArrays::new().read(&path).unwrap();
        std::fs::File::create(&path).unwrap();
        let sum = ops::sum(data.single().unwrap(), ops::Axes(None), false).unwrap();
        assert_eq!(sum.item::<f32>().unwrap(), 0.0);
    } else {
        let model = load(&path);
        std::fs::File::create(&path).unwrap();
        assert_eq!(outputs(&model).len(), 2048);
        model.save(path.with_file_name("again.keras")).unwrap();
    }
    println!("unharmed");
}

#[test]
fn a_file_that_is_cut_short_does_not_harm_what_was_loaded() {
    for name in ["m.keras", "m.weights.h5", "m.safetensors", "m.weights.json", "x.npy"] {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(name);
        if name == "x.npy" {
            let mut file =
                b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1000000,), }".to_vec();
            file.resize(128, b' ');
            file.resize(128 + 4_000_000, 0);
            std::fs::write(&path, file).unwrap();
        } else if name == "m.weights.json" {
            shards(5e6).save_weights(&large(), &path).unwrap();
        } else {
            save(&large(), &path);
        }
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "other_writers::child_whose_file_is_cut", "--nocapture"]).env(PLACE, &path);
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && told.contains("unharmed"), "{name}: {output:?}");
    }
}

#[test]
fn a_loaded_model_does_not_change_when_its_file_does() {
    for name in ["m.keras", "m.weights.h5", "m.safetensors"] {
        let home = tempfile::tempdir().unwrap();
        let (path, other) = (home.path().join(name), home.path().join(format!("other-{name}")));
        let model = large();
        fill(&model, 1.0);
        save(&model, &path);
        fill(&model, 2.0);
        save(&model, &other);
        let loaded = load(&path);
        let before = outputs(&loaded);
        let bytes = std::fs::read(&other).unwrap();
        let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        std::io::Write::write_all(&mut file, &bytes).unwrap();
        assert_eq!(outputs(&loaded), before, "{name}");
        assert_eq!(numbers(&load(&path)), [2.0], "{name}");
    }
}

#[test]
fn a_mapped_file_gives_the_same_weights() {
    let home = tempfile::tempdir().unwrap();
    let model = large();
    fill(&model, 3.0);
    for name in ["m.keras", "m.weights.h5", "m.safetensors", "m.weights.json"] {
        let path = home.path().join(name);
        if name == "m.weights.json" {
            shards(5e6).save_weights(&model, &path).unwrap()
        } else {
            save(&model, &path)
        }
        let mapped = LoadOptions::new().memory_map(true);
        let loaded = large();
        mapped.load_weights(&loaded, &path).unwrap();
        assert_eq!(crate::bits(&loaded), crate::bits(&model), "{name}");
        // Replaced by a rename, the mapping stays what it was.
        fill(&model, 4.0);
        if name == "m.weights.json" {
            shards(5e6).save_weights(&model, &path).unwrap()
        } else {
            save(&model, &path)
        }
        assert_eq!(numbers(&loaded), [3.0], "{name}");
        fill(&model, 3.0);
    }
    // Keras aligns nothing.
    let keras = crate::fixture("small.keras");
    let mapped = LoadOptions::new().memory_map(true).load_model(&keras).unwrap();
    assert_eq!(crate::bits(&mapped), crate::bits(&load_model(&keras).unwrap()));
}

#[test]
fn a_model_is_saved_over_the_file_that_it_comes_from() {
    let home = tempfile::tempdir().unwrap();
    for name in ["m.keras", "m.h5"] {
        let path = home.path().join(name);
        let model = large();
        fill(&model, 1.0);
        save(&model, &path);
        let loaded = load_model(&path).unwrap();
        for _ in 0..3 {
            loaded.save(&path).unwrap();
            assert_eq!(numbers(&load_model(&path).unwrap()), [1.0]);
        }
        assert_eq!(numbers(&loaded), [1.0]);
        let weights = home.path().join("m.weights.json");
        shards(6e6).save_weights(&loaded, &weights).unwrap();
        let again = large();
        again.load_weights(&weights).unwrap();
        shards(6e6).save_weights(&again, &weights).unwrap();
        assert_eq!(numbers(&again), [1.0]);
    }
}

/// An editor and an open file keep the contents at the time of opening.
#[test]
fn a_file_that_is_replaced_while_it_is_open_is_read_to_its_end() {
    let home = tempfile::tempdir().unwrap();
    for name in ["m.keras", "m.weights.h5"] {
        let path = home.path().join(name);
        let model = large();
        fill(&model, 1.0);
        save(&model, &path);
        let file = keras_serial::saving::ModelFile::open(&path, &Default::default()).unwrap();
        fill(&model, 2.0);
        save(&model, &path);
        let loaded = large();
        LoadOptions::new().load_weights_file(&loaded, &file).unwrap();
        assert_eq!(numbers(&loaded), [1.0], "{name}");
    }
}

#[test]
fn weights_that_are_trained_on_leave_their_file_as_it_is() {
    let home = tempfile::tempdir().unwrap();
    let x: Vec<f32> = (0..2048u16).map(|i| f32::from(i % 101) / 50.0 - 1.0).collect();
    let x = Tensor::from_vec(x, [4, 512]).unwrap();
    let y = Tensor::from_vec(vec![1.0f32; 8192], [4, 2048]).unwrap();
    for name in ["m.keras", "m.weights.h5", "m.safetensors"] {
        for mapped in [false, true] {
            let path = home.path().join(name);
            save(&large(), &path);
            let before = std::fs::read(&path).unwrap();
            let loaded = large();
            LoadOptions::new().memory_map(mapped).load_weights(&loaded, &path).unwrap();
            loaded.compile(Compile::new("adam", "mse")).unwrap();
            loaded.fit((&x, &y), Fit::new().verbose(0)).unwrap();
            assert!(std::fs::read(&path).unwrap() == before, "{name}");
        }
    }
}

/// Two sets of shards in one folder, `m` and `m-1`: neither destroys the other.
#[test]
fn shards_of_another_index_are_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let (one, two) = (little(4), little(4));
    fill(&one, 1.0);
    fill(&two, 2.0);
    let [first, second] = ["m.weights.json", "m-1.weights.json"].map(|name| home.path().join(name));
    for _ in 0..3 {
        shards(200.0).save_weights(&one, &first).unwrap();
        shards(200.0).save_weights(&one, &first).unwrap();
        shards(200.0).save_weights(&two, &second).unwrap();
        for (path, number) in [(&first, 1.0), (&second, 2.0)] {
            let loaded = little(4);
            loaded.load_weights(path).unwrap();
            assert_eq!(numbers(&loaded), [number], "{path:?} {:?}", names(home.path()));
        }
    }
}

#[test]
fn many_threads_save_to_one_path() {
    let home = tempfile::tempdir().unwrap();
    for name in ["m.keras", "m.weights.h5", "directory"] {
        let folder = home.path().join(format!("of-{name}"));
        std::fs::create_dir(&folder).unwrap();
        let path = folder.join(name);
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    let model = little(64);
                    fill(&model, f64::from(thread));
                    for _ in 0..10 {
                        match name {
                            "directory" => SaveOptions::new().zipped(false).save_model(&model, path).unwrap(),
                            _ => save(&model, path),
                        }
                    }
                });
            }
        });
        let loaded = little(64);
        loaded.load_weights(&path).unwrap();
        assert_eq!(numbers(&loaded).len(), 1);
        assert_eq!(names(&folder), [name]);
    }
}

#[test]
fn many_threads_save_shards_to_one_path() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("m.weights.json");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let path = &path;
            scope.spawn(move || {
                let model = little(64);
                fill(&model, f64::from(thread));
                for _ in 0..10 {
                    shards(2000.0).save_weights(&model, path).unwrap();
                    // What another thread has saved meanwhile is whole, too.
                    let loaded = little(64);
                    loaded.load_weights(path).unwrap();
                    assert_eq!(numbers(&loaded).len(), 1, "two halves");
                }
            });
        }
    });
    let index = std::fs::read_to_string(&path).unwrap();
    let shards = |name: &String| name.ends_with(".weights.h5") && name != "m_00000.weights.h5";
    for name in names(home.path()).iter().filter(|name| shards(name)) {
        assert!(index.contains(name), "{name} is left over");
    }
}
