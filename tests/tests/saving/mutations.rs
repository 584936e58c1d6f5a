//! Files with bytes changed at random: always a model or an error, never a panic.

use keras_serial::prelude::*;
use keras_serial::saving::{FileEditor, Inspection, ModelFile};

use crate::{fixture, small};

/// A generator of numbers (SplitMix64): the same files in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % below.max(1) as u64) as usize
    }

    /// One to eight changes: bytes, runs of bytes, cuts, repeats.
    fn mutate(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.next(8) {
            let at = self.next(bytes.len());
            match self.next(8) {
                0 => bytes.truncate(at),
                1 => {
                    let end = (at + self.next(32)).min(bytes.len());
                    bytes[at..end].fill([0, 0xff, 0x7f][self.next(3)]);
                }
                2 => {
                    let end = (at + self.next(64)).min(bytes.len());
                    let part = bytes[at..end].to_vec();
                    let to = self.next(bytes.len());
                    bytes.splice(to..to, part);
                }
                3 if bytes.len() > at + 8 => {
                    let value = [u64::MAX, 1 << 63, 1 << 40, 0][self.next(4)];
                    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
                }
                _ if at < bytes.len() => bytes[at] = self.next(256) as u8,
                _ => {}
            }
        }
        bytes
    }
}

fn load(bytes: Vec<u8>) {
    match ModelFile::from_bytes(bytes, &Default::default()) {
        Ok(file) => {
            Inspection::of(&file);
            if file.config().is_some() {
                let _ = LoadOptions::new().strict(false).load_model_file(&file);
            } else {
                let _ = LoadOptions::new().strict(false).load_weights_file(&small(), &file);
            }
            let _ = FileEditor::of(file).map(|editor| editor.summary());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

#[test]
fn mutated_files_never_panic() {
    let home = tempfile::tempdir().unwrap();
    let safetensors = home.path().join("w.safetensors");
    small().save_weights(&safetensors).unwrap();
    let files = ["small.keras", "small.h5", "small.weights.h5", "small_weights.h5", "keras2_functional.h5"];
    let mut files: Vec<_> = files.into_iter().map(fixture).collect();
    files.push(safetensors);
    let mut numbers = Numbers(5);
    for file in files {
        let bytes = std::fs::read(file).unwrap();
        for _ in 0..150 {
            load(numbers.mutate(&bytes));
        }
    }
}

#[test]
fn mutated_configurations_never_panic() {
    let model = load_model(fixture("small.keras")).unwrap();
    let text = model.to_json().unwrap();
    let mut numbers = Numbers(6);
    for _ in 0..600 {
        let mut bytes = text.clone().into_bytes();
        for _ in 0..=numbers.next(4) {
            let at = numbers.next(bytes.len());
            // Digits, quotes and brackets change more than letters do.
            bytes[at] = b"0123456789-[]{}\",:nul"[numbers.next(21)];
        }
        load(bytes);
    }
}

#[test]
fn every_cut_of_a_file_is_an_error() {
    for file in ["small.keras", "small.weights.h5"] {
        let bytes = std::fs::read(fixture(file)).unwrap();
        for length in (0..bytes.len()).step_by(997) {
            assert!(ModelFile::from_bytes(bytes[..length].to_vec(), &Default::default()).is_err(), "{file} cut at {length}");
        }
    }
}

#[test]
fn nesting_is_bounded() {
    let deep = "[".repeat(200_000);
    assert!(ModelFile::from_bytes(format!("{{\"config\": {deep}").into_bytes(), &Default::default()).is_err());
    let open = "{\"module\": \"keras\", \"class_name\": \"Sequential\", \"config\": {\"layers\": [";
    let text = format!("{}{}", open.repeat(70), "]}}".repeat(70));
    let error = LoadOptions::new().load_model_from_bytes(text.into_bytes()).unwrap_err();
    assert!(!error.path().is_empty(), "{error}");
}
