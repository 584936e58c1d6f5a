//! `scan`: what it finds, in which form, and with which exit status.

use super::{fixtures, json, run, small, stderr, stdout};

fn scan(name: &str) -> String {
    fixtures("scan").join(name).display().to_string()
}

/// Returns the codes and places that a scan finds, which must end with this status.
fn found(file: &str, status: i32) -> Vec<(String, String)> {
    let scanned = json(&["scan", file, "--json"], status);
    let text = |finding: &serde_json::Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let findings = scanned[0]["findings"].as_array().unwrap().clone();
    findings.iter().map(|finding| (text(finding, "code"), text(finding, "place"))).collect()
}

#[test]
fn what_hides_from_scanners_is_found() {
    for (name, code, place) in [
        ("lambda_deep.keras", "KS201", "config/layers[0]/config/layers[0]/config/layers[0]/config/layer"),
        ("lambda_argument.keras", "KS201", "config/layers[0]/config/activation"),
        ("builtins_open.keras", "KS202", "config/layers[0]"),
        ("builtins_function.keras", "KS202", "config/layers[0]/config/kernel_initializer"),
        ("get_file.keras", "KS202", "config/layers[0]"),
        ("pickle_member.keras", "KS201", "payload.pkl"),
        ("pickle_asset.keras", "KS201", "assets/dense/data.txt"),
        ("pickle.keras", "KS201", ""),
        ("weights_npz.keras", "KS104", "model.weights.npz"),
        ("prefix.keras", "KS104", ""),
        ("trailing.h5", "KS104", ""),
        ("user_block.h5", "KS104", ""),
        ("dense_attributes.h5", "KS201", "config/layers[1]"),
        ("large_attribute.h5", "KS201", "config/layers[1]"),
        ("soft_link.h5", "KS103", "model_weights"),
        ("external_link.h5", "KS103", "model_weights"),
        ("../saving/external_data.weights.h5", "KS103", "layers/dense/vars/0"),
        ("../saving/virtual.weights.h5", "KS103", "layers/dense/vars/0"),
        ("../saving/bomb_weights.keras", "KS102", "model.weights.h5"),
    ] {
        let file = scan(name);
        let found = found(&file, 1);
        let is_it =
            |(a, b): &(String, String)| a == code && b.trim_start_matches(&*file).trim_start_matches('/') == place;
        assert!(found.iter().any(is_it), "{name}: {found:?}");
    }
}

#[test]
fn sound_files_have_no_findings() {
    for end in [".keras", ".h5", ".weights.h5", "_weights.h5"] {
        let assert = run(&["scan", &small(end), "--weights"], 0);
        assert!(stdout(&assert).ends_with("no findings\n"));
        run(&["scan", &small(end), "--quiet"], 0).stdout("").stderr("");
    }
    // Files of Keras itself: nothing but classes that are not linked, and notes.
    for folder in ["cases/layers", "cases/models"] {
        for entry in std::fs::read_dir(fixtures(folder)).unwrap() {
            let file = entry.unwrap().path().join("model.keras").display().to_string();
            run(&["scan", &file, "--deny", "all"], 0);
        }
    }
}

#[test]
fn codes_are_denied_and_allowed() {
    let custom = fixtures("saving/custom_saving.keras").display().to_string();
    assert!(stdout(&run(&["scan", &custom], 1)).contains("KS204 warning"));
    run(&["scan", &custom, "--allow", "KS204"], 0);
    run(&["scan", &custom, "--allow", "KS204", "--deny", "KS204"], 1);
    let old = fixtures("saving/keras2_sequential.h5").display().to_string();
    assert!(stdout(&run(&["scan", &old], 0)).contains("KS302 note"));
    run(&["scan", &old, "--deny", "ks302"], 1);
    let codes = stdout(&run(&["scan", "--codes"], 0));
    assert!(codes.lines().count() > 14 && codes.contains("KS201 error"), "{codes}");
}

#[test]
fn a_file_that_can_not_be_read_is_status_2_and_the_others_are_scanned() {
    let assert = run(&["scan", "no/such.keras", &scan("lambda_deep.keras")], 2);
    assert!(stdout(&assert).contains("KS201") && stderr(&assert).contains("no/such.keras"));
    run(&["scan", "model.pb"], 2);
}

#[test]
fn sarif_has_a_rule_and_a_place_for_each_result() {
    let log = json(&["scan", &scan("lambda_deep.keras"), &small(".keras"), "--sarif"], 1);
    assert_eq!(log["version"], "2.1.0");
    let driver = &log["runs"][0]["tool"]["driver"];
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert!(!results.is_empty());
    for result in results {
        let rule = &driver["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(["note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
        let location = &result["locations"][0];
        let uri = location["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
        assert!(uri.ends_with("scan/lambda_deep.keras"), "{uri}");
        let place = location["logicalLocations"][0]["fullyQualifiedName"].as_str().unwrap();
        assert!(place.starts_with("config/layers[0]/"), "{place}");
    }
    assert_eq!(log["runs"][0]["artifacts"].as_array().unwrap().len(), 2);
}

#[test]
fn sarif_fits_its_official_schema() {
    let schema = std::fs::read(fixtures("sarif").join("sarif-schema-2.1.0.json")).unwrap();
    let schema = jsonschema::draft4::new(&serde_json::from_slice(&schema).unwrap()).unwrap();
    let check = |log: &serde_json::Value| {
        let faults: Vec<String> =
            schema.iter_errors(log).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(faults.is_empty(), "{faults:#?}");
    };
    let files = |folder: &str| {
        let entries = std::fs::read_dir(fixtures(folder)).unwrap().map(|entry| entry.unwrap().path());
        let models = entries.filter(|path| path.extension().is_some_and(|end| end == "keras" || end == "h5"));
        models.map(|path| path.display().to_string()).collect::<Vec<String>>()
    };
    let files = [files("scan"), files("saving"), vec!["no/such file.keras".to_owned()]].concat();
    let arguments: Vec<&str> =
        ["scan", "--sarif", "--weights"].into_iter().chain(files.iter().map(|file| &**file)).collect();
    // A file that can't be read is an error beside the log.
    let log = json(&arguments, 2);
    check(&log);
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert!(results.len() > 30, "{}", results.len());
    // Nothing found.
    check(&json(&["scan", "--sarif", &small(".keras")], 0));
    // The schema refuses what is none.
    let mut other = log.clone();
    other["runs"][0]["results"][0]["level"] = "fatal".into();
    assert!(!schema.is_valid(&other));
}
