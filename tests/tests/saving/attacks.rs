//! One test for each class of vulnerability that loading in Keras had.

use std::io::Cursor;

use keras_serial::prelude::*;
use keras_serial::saving::{Source, ZipReader, ZipWriter};

use crate::{fixture, small};

/// Returns the small model's file with another text in its configuration.
fn with_config(from: &str, to: &str) -> Vec<u8> {
    let archive =
        ZipReader::open(Source::open(fixture("small.keras")).unwrap().into_bytes(), &Default::default()).unwrap();
    let mut out = ZipWriter::new(Cursor::new(Vec::new()));
    for member in archive.members() {
        let mut bytes = archive.read(&member.name).unwrap().to_vec();
        if member.name == "config.json" {
            let text = String::from_utf8(bytes).unwrap();
            assert!(text.contains(from), "{text}");
            bytes = text.replacen(from, to, 1).into_bytes();
        }
        out.add(&member.name, &bytes).unwrap();
    }
    out.finish().unwrap().into_inner()
}

fn refused(from: &str, to: &str) -> Error {
    let error = LoadOptions::new().load_model_from_bytes(with_config(from, to)).unwrap_err();
    assert!(!error.path().is_empty(), "{error}");
    error
}

const DENSE: &str = "\"module\": \"keras.layers\", \"class_name\": \"Dense\"";

#[test]
fn cve_2024_3660_lambda_bytecode() {
    let error = refused(DENSE, "\"module\": \"keras.layers\", \"class_name\": \"Lambda\"");
    assert_eq!(error.kind(), ErrorKind::CodeRefused);
    let activation = "{\"class_name\": \"__lambda__\", \"config\": {\"value\": [\"4wEAAAA=\", null, null]}}";
    let error = refused("\"activation\": \"relu\"", &format!("\"activation\": {activation}"));
    assert_eq!(error.kind(), ErrorKind::CodeRefused);
}

#[test]
fn cve_2024_55459_assets_out_of_the_archive() {
    for name in ["assets/../../evil", "..\\evil", "/evil", "C:\\evil"] {
        assert!(ZipWriter::new(Cursor::new(Vec::new())).add(name, b"").is_err());
    }
}

#[test]
fn cve_2025_1550_any_module_and_function() {
    let call = "\"module\": \"os\", \"class_name\": \"system\"";
    assert_eq!(refused(DENSE, call).kind(), ErrorKind::UnknownObject);
    let call = "\"module\": \"builtins\", \"class_name\": \"eval\"";
    assert_eq!(refused(DENSE, call).kind(), ErrorKind::UnknownObject);
}

#[test]
fn cve_2025_8747_functions_of_keras_as_gadgets() {
    refused(DENSE, "\"module\": \"keras.utils\", \"class_name\": \"get_file\"");
    refused(DENSE, "\"module\": \"keras.models\", \"class_name\": \"load_model\"");
    refused(DENSE, "\"module\": \"keras.config\", \"class_name\": \"enable_unsafe_deserialization\"");
    let error = refused(DENSE, "\"module\": \"keras.initializers\", \"class_name\": \"Zeros\"");
    assert_eq!(error.kind(), ErrorKind::WrongKind, "{error}");
}

#[test]
fn cve_2025_9905_legacy_files_have_the_same_policy() {
    let mut bytes = std::fs::read(fixture("keras2_functional.h5")).unwrap();
    let at = bytes.windows(8).position(|window| window == b"\"Dense\",").unwrap();
    bytes[at..at + 8].copy_from_slice(b"\"Lambda\"");
    let error = LoadOptions::new().load_model_from_bytes(bytes.clone()).unwrap_err();
    assert!(!error.path().is_empty(), "{error}");
    // The same length needs a text without its comma: here it is whole.
    let text = "{\"class_name\": \"Sequential\", \"config\": {\"name\": \"s\", \"layers\": [{\"class_name\": \"Lambda\", \"config\": {\"name\": \"l\"}}]}}";
    let error = LoadOptions::new().load_model_from_bytes(text.as_bytes().to_vec()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CodeRefused, "{error}");
}

#[test]
fn cve_2025_49655_pickled_torch_modules() {
    let error = refused(DENSE, "\"module\": \"keras.layers\", \"class_name\": \"TorchModuleWrapper\"");
    assert_eq!(error.kind(), ErrorKind::CodeRefused);
}

#[test]
fn cve_2025_12058_paths_as_vocabularies() {
    for path in ["/etc/passwd", "http://localhost/words.txt", "file:///etc/passwd"] {
        let layer = "\"module\": \"keras.layers\", \"class_name\": \"StringLookup\"";
        let config = with_config("\"units\": 3", &format!("\"vocabulary\": \"{path}\", \"units\": 3"));
        let report = {
            let home = tempfile::tempdir().unwrap();
            let file = home.path().join("m.keras");
            std::fs::write(&file, config).unwrap();
            keras_serial::saving::scan(&file, &Default::default())
        };
        assert!(report.findings.iter().any(|finding| finding.code == keras_serial::saving::Code::KS203), "{report}");
        assert!(LoadOptions::new().load_model_from_bytes(with_config(DENSE, layer)).is_err());
    }
}

#[test]
fn cve_2026_0897_shape_bombs() {
    let error = small().load_weights(fixture("shape_bomb.weights.h5")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
}

#[test]
fn cve_2026_1669_data_in_other_files() {
    for file in ["external_link", "group_link", "soft_link", "virtual", "external_data"] {
        let error = small().load_weights(fixture(&format!("{file}.weights.h5"))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Hdf5, "{file}: {error}");
        assert!(error.path().contains("layers"), "{file}: {error}");
    }
}

#[test]
fn what_is_no_tensor_is_named_once() {
    let path = fixture("texts.weights.h5");
    let error = small().load_weights(&path).unwrap_err();
    assert_eq!(error.path(), format!("{}/layers/dense/vars/0", path.display()), "{error}");
}

#[test]
fn cve_2026_1462_foreign_models_by_path() {
    let error = refused(DENSE, "\"module\": \"keras.layers\", \"class_name\": \"TFSMLayer\"");
    assert_eq!(error.kind(), ErrorKind::CodeRefused);
}

#[test]
fn cve_2026_12479_names_of_layers_as_paths() {
    let home = tempfile::tempdir().unwrap();
    let model = crate::sequential([Dense::new(2).name("../../evil").shared()], 4);
    let folder = home.path().join("model");
    // The name stands in the configuration alone: the paths in files are made from classes.
    SaveOptions::new().zipped(false).save_model(&model, &folder).unwrap();
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 3);
    // Legacy files name groups after layers.
    let error = model.save(home.path().join("m.h5")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    let index = home.path().join("w.weights.json");
    std::fs::write(&index, "{\"weight_map\": {\"/layers/dense/vars\": \"../../w.weights.h5\"}}").unwrap();
    let error = model.load_weights(&index).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Archive, "{error}");
}

#[test]
fn cve_2026_12481_no_state_between_safe_and_unsafe() {
    let form = keras_serial::json::Value::parse(
        "{\"module\": \"keras.layers\", \"class_name\": \"Lambda\", \"config\": {\"name\": \"l\", \"function\": \"f\"}, \"registered_name\": null}",
    )
    .unwrap();
    let error = keras_serial::registry::deserialize_keras_object(&form, &CustomObjects::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CodeRefused, "{error}");
}

#[test]
fn zip_bombs() {
    for file in ["bomb_config.keras", "bomb_weights.keras"] {
        assert_eq!(load_model(fixture(file)).unwrap_err().kind(), ErrorKind::Limit);
    }
}
