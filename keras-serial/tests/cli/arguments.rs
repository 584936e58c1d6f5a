//! Usage, exit statuses, colours, pipes, completions and manual pages.

use std::io::Read;
use std::process::Stdio;

use super::{Home, keras_serial, run, small, stderr, stdout};

#[test]
fn wrong_usage_is_status_2_and_help_is_status_0() {
    for wrong in [&[][..], &["nothing"], &["inspect"], &["scan", "--deny", "KS999", "a"], &["diff", &small(".keras")]] {
        let assert = run(wrong, 2);
        assert!(!stderr(&assert).is_empty() && stdout(&assert).is_empty(), "{wrong:?}");
    }
    assert!(stdout(&run(&["--help"], 0)).contains("inspect"));
    assert!(stdout(&run(&["help", "scan"], 0)).contains("--sarif"));
    assert!(stdout(&run(&["--version"], 0)).contains(env!("CARGO_PKG_VERSION")));
    assert!(stderr(&run(&["inspekt", "a"], 2)).contains("inspect"), "what was meant is suggested");
}

#[test]
fn errors_have_the_path_and_with_verbose_what_caused_them() {
    let assert = run(&["inspect", "no/such.keras"], 2);
    assert!(stderr(&assert).starts_with("error: no/such.keras: No such file or directory"), "{}", stderr(&assert));
    let assert = run(&["inspect", "no/such.keras", "--verbose"], 2);
    assert!(stderr(&assert).contains("caused by:"), "{}", stderr(&assert));
    assert!(stderr(&run(&["inspect", "model.pb"], 2)).contains("`.keras`"));
}

#[test]
fn colours_are_for_terminals() {
    let scan =
        ["scan", &*small("_weights.h5"), &super::fixtures("scan").join("lambda_deep.keras").display().to_string()]
            .map(str::to_owned);
    let scan: Vec<&str> = scan.iter().map(String::as_str).collect();
    let plain = stdout(&run(&scan, 1));
    assert!(!plain.contains('\u{1b}') && plain.contains("KS201 error"), "{plain}");
    let coloured = stdout(&run(&[&scan[..], &["--color", "always"]].concat(), 1));
    assert!(coloured.contains("\u{1b}[31mKS201 error"), "{coloured}");
    let assert = keras_serial(&scan).env("NO_COLOR", "1").env("CLICOLOR_FORCE", "1").assert().code(1);
    assert!(!stdout(&assert).contains('\u{1b}'));
}

#[test]
fn limits_are_set_by_name() {
    let error = stderr(&run(&["inspect", &small(".keras"), "--limit", "max_config_bytes=100"], 2));
    assert!(error.contains("config.json") && error.contains("at most 100"), "{error}");
    assert!(stderr(&run(&["inspect", "a.keras", "--limit", "help"], 2)).contains("max_ratio"));
}

#[test]
fn a_closed_pipe_ends_quietly() {
    // Much more than a pipe holds.
    let many = vec![small(".keras"); 2000];
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_keras-serial"));
    command.arg("scan").args(&many).arg("--json").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut first = [0; 10];
    let mut pipe = child.stdout.take().unwrap();
    pipe.read_exact(&mut first).unwrap();
    drop(pipe);
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
}

#[test]
fn shells_get_completions_and_man_gets_pages() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(stdout(&run(&["completions", shell], 0)).contains("inspect"), "{shell}");
    }
    assert!(stdout(&run(&["man"], 0)).starts_with(".ie \\n(.g .ds Aq"));
    assert!(stdout(&run(&["man", "scan"], 0)).contains("\\-\\-sarif"));
    assert!(stderr(&run(&["man", "scna"], 2)).contains("did you mean `scan`?"));
    let home = Home::new();
    run(&["man", "--output", &home.at("pages")], 0);
    for page in ["keras-serial.1", "keras-serial-inspect.1", "keras-serial-convert.1"] {
        assert!(std::fs::read_to_string(home.at("pages/") + page).unwrap().contains(".TH"), "{page}");
    }
}

#[cfg(not(feature = "onnx"))]
#[test]
fn commands_that_this_build_lacks_say_which_feature_they_need() {
    let model = small(".keras");
    let error = stderr(&run(&["export", &model, "out.onnx"], 2));
    assert!(error.contains("feature `onnx`"), "{error}");
    if cfg!(not(feature = "archive")) {
        let error = stderr(&run(&["predict", &model, "-i", "x.npy", "-o", "y.npy"], 2));
        assert!(error.contains("feature `archive`"), "{error}");
        let error = stderr(&run(&["objects"], 2));
        assert!(error.contains("feature `engine`"), "{error}");
    }
}
