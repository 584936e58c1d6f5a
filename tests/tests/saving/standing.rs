//! Saving to a path that exists already: other files, another model, a file, a link.

use std::path::Path;

use keras_serial::callbacks::BackupAndRestore;
use keras_serial::prelude::*;

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn ramp(shape: &[usize]) -> Tensor {
    let count: usize = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|i| ((i * 37 + 11) % 101) as f32 / 50.0 - 1.0).collect();
    Tensor::from_vec(values, shape.to_vec()).unwrap()
}

fn unzipped() -> SaveOptions {
    SaveOptions::new().zipped(false)
}

#[test]
fn a_directory_is_not_put_in_the_place_of_a_file() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("model");
    std::fs::write(&path, b"a user's file").unwrap();
    let error = unzipped().save_model(&crate::small(), &path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    assert!(error.path().contains("model"), "{error}");
    assert_eq!(names(home.path()), ["model"]);
    assert_eq!(std::fs::read(&path).unwrap(), b"a user's file");
}

#[test]
fn a_state_of_another_model_is_not_left_in_a_directory() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("model");
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("README.md"), b"mine").unwrap();
    let (x, y) = (ramp(&[8, 4]), ramp(&[8, 1]));
    let random = Sequential::new([Input::new([4]).layer(), Dropout::new(0.5).into(), Dense::new(1).into()]).unwrap();
    random.compile(Compile::new("adam", "mse")).unwrap();
    random.fit((&x, &y), Fit::new().verbose(0)).unwrap();
    unzipped().training_state(true).save_model(&random, &path).unwrap();
    load_model(&path).unwrap();
    let plain = Sequential::new([Input::new([4]).layer(), Dense::new(1).into()]).unwrap();
    plain.compile(Compile::new("adam", "mse")).unwrap();
    plain.fit((&x, &y), Fit::new().verbose(0)).unwrap();
    unzipped().save_model(&plain, &path).unwrap();
    assert_eq!(crate::bits(&load_model(&path).unwrap()), crate::bits(&plain));
    assert_eq!(std::fs::read(path.join("README.md")).unwrap(), b"mine");
}

#[test]
fn assets_of_another_model_are_not_left_in_a_directory() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("model");
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join(".DS_Store"), b"mine").unwrap();
    let adapted = StringLookup::new().shared();
    adapted.adapt(Tensor::from_strings(["x", "y", "z"], [3, 1]).unwrap()).unwrap();
    let model = |lookup: LayerRef| {
        let x = Input::new([1]).dtype(keras_serial::tensor::DType::String).tensor().unwrap();
        Functional::new(x.clone(), lookup.apply(&x).unwrap()).unwrap()
    };
    unzipped().save_model(&model(adapted), &path).unwrap();
    assert_eq!(names(&path), [".DS_Store", "assets", "config.json", "metadata.json", "model.weights.h5"]);
    let given = StringLookup::new().vocabulary(vec!["a".to_owned(), "b".to_owned()]).shared();
    let second = model(given);
    unzipped().save_model(&second, &path).unwrap();
    let text = Tensor::from_strings(["a", "x"], [2, 1]).unwrap();
    let expected = second.predict(&text).unwrap().to_vec::<i64>().unwrap();
    let loaded = load_model(&path).unwrap().predict(&text).unwrap().to_vec::<i64>().unwrap();
    assert_eq!(loaded, expected);
    assert_eq!(names(&path), [".DS_Store", "config.json", "metadata.json", "model.weights.h5"]);
}

/// A folder `assets` that belongs to no model is the user's: neither removed nor read as a layer's.
#[test]
fn a_folder_of_assets_that_is_no_models_stays() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("game");
    std::fs::create_dir_all(path.join("assets")).unwrap();
    std::fs::write(path.join("assets/logo.png"), b"mine").unwrap();
    for other in [false, true] {
        if other {
            std::fs::write(path.join("main.rs"), b"mine").unwrap();
        }
        let error = unzipped().save_model(&crate::small(), &path).unwrap_err();
        assert!(error.to_string().contains("no model's"), "{error}");
        assert_eq!(std::fs::read(path.join("assets/logo.png")).unwrap(), b"mine");
        assert!(!path.join("config.json").exists());
    }
}

#[cfg(unix)]
#[test]
fn a_link_to_a_file_that_is_not_there_yet_is_followed() {
    use std::os::unix::fs::symlink;
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("elsewhere")).unwrap();
    let at = |name: &str| home.path().join(name);
    symlink("elsewhere/target.keras", at("link.keras")).unwrap();
    symlink("link.keras", at("link_of_link.keras")).unwrap();
    crate::small().save(at("link_of_link.keras")).unwrap();
    for link in ["link.keras", "link_of_link.keras"] {
        assert!(at(link).symlink_metadata().unwrap().is_symlink(), "the link was replaced by a file");
        load_model(at(link)).unwrap();
    }
    assert_eq!(names(&at("elsewhere")), ["target.keras"]);
    symlink("elsewhere/directory", at("directory")).unwrap();
    unzipped().save_model(&crate::small(), at("directory")).unwrap();
    assert!(at("directory").symlink_metadata().unwrap().is_symlink() && at("elsewhere/directory/config.json").exists());
    // Links that lead nowhere.
    symlink("ring.keras", at("ring.keras")).unwrap();
    symlink("nowhere/target.keras", at("broken.keras")).unwrap();
    for link in ["ring.keras", "broken.keras"] {
        let error = crate::small().save(at(link)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    }
}

/// A model that does not fit is a programming error, not a broken file: the latest backup stays.
#[test]
fn a_model_that_does_not_fit_leaves_the_latest_backup() {
    let home = tempfile::tempdir().unwrap();
    let backup = home.path().join("backup");
    let callback = || BackupAndRestore::new(&backup).double_checkpoint(true).delete_checkpoint(false);
    let model = |units: usize| {
        let model = crate::sequential([Dense::new(units).name("a").shared(), Dense::new(3).name("b").shared()], 4);
        model.compile(Compile::new("sgd", "mse")).unwrap();
        model
    };
    let (x, y) = (ramp(&[8, 4]), ramp(&[8, 3]));
    model(4).fit((&x, &y), Fit::new().epochs(3).verbose(0).callback(callback())).unwrap();
    let files = ["training_metadata.json", "latest.weights.h5", "latest.weights.h5.bkp"];
    let contents = || files.map(|name| std::fs::read(backup.join(name)).unwrap());
    let latest = contents();
    let error = model(5).fit((&x, &y), Fit::new().epochs(5).verbose(0).callback(callback())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Weights, "{error}");
    assert!(contents() == latest);
    // What fits goes on from there; a broken file is replaced by the backup before it.
    std::fs::write(backup.join("latest.weights.h5"), b"broken").unwrap();
    let history = model(4).fit((&x, &y), Fit::new().epochs(5).verbose(0).callback(callback())).unwrap();
    assert_eq!(history.epoch, [2, 3, 4]);
}

#[test]
fn weights_are_not_saved_under_the_suffix_of_old_models() {
    let home = tempfile::tempdir().unwrap();
    for name in ["w.h5", "w.hdf5", "weights.h5", "w.keras", "w"] {
        let error = crate::small().save_weights(home.path().join(name)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        assert!(error.to_string().contains("The filename must end in `.weights.h5`"), "{error}");
        assert!(!name.ends_with("h5") || error.to_string().contains("w.weights.h5") || name == "weights.h5", "{error}");
    }
    let shards = SaveOptions::new().max_shard_size(1.0);
    let error = shards.save_weights(&crate::small(), home.path().join("w.h5")).unwrap_err();
    let text = "The filename must end in `.weights.json` when `max_shard_size` is specified";
    assert!(error.to_string().contains(text), "{error}");
    assert!(names(home.path()).is_empty());
}
