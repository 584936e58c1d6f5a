//! Files that are cut short, empty, or of another form than their names say.

use keras_serial::prelude::*;
use keras_serial::saving::ModelFile;

use crate::fixture;

#[test]
fn a_file_that_is_no_archive_says_what_it_is() {
    let home = tempfile::tempdir().unwrap();
    let small = std::fs::read(fixture("small.keras")).unwrap();
    let hdf5 = std::fs::read(fixture("small.h5")).unwrap();
    let safetensors = home.path().join("w.safetensors");
    crate::small().save_weights(&safetensors).unwrap();
    let safetensors = std::fs::read(safetensors).unwrap();
    let cases: [(&str, &[u8], &str); 16] = [
        ("m.keras", b"", "file is empty"),
        ("m.keras", &small[..small.len() / 2], "file is cut short"),
        ("m.keras", &small[..small.len() - 5], "file is cut short"),
        ("m.keras", &small[..30], "file is cut short"),
        ("m.keras", &hdf5, "which look like an HDF5 file (name it `.h5`"),
        ("m.keras", &safetensors, "which look like a safetensors file (name it `.safetensors`"),
        ("m.keras", b"{\"class_name\": 1}", "which look like a JSON text"),
        ("m.keras", b"<!DOCTYPE html>", "which look like a web page"),
        ("m.keras", b"version https://git-lfs.github.com/spec/v1", "`git lfs pull`"),
        ("m.keras", &[0; 100], "nothing but zeros"),
        ("m.keras", b"something else", "14 bytes, which look like a text"),
        ("m.keras", b"\xffsomething", "10 bytes of another form"),
        ("m.h5", &small, "which look like a zip archive (name it `.keras`"),
        ("m.weights.h5", b"", "file is empty"),
        ("m.weights.h5", &hdf5[..hdf5.len() / 2], "file is cut short"),
        ("m.safetensors", &small, "which look like a zip archive"),
    ];
    for (name, bytes, expected) in cases {
        let path = home.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let error = ModelFile::open(&path, &Default::default()).unwrap_err();
        assert!(error.to_string().contains(expected), "{name}: {error}");
        assert!(!error.to_string().contains("EOCD"), "{error}");
        assert!(matches!(error.kind(), ErrorKind::Archive | ErrorKind::Hdf5), "{error:?}");
    }
}
