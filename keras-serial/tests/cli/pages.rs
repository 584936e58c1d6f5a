//! The commands of the pages are run, and print what the pages say: `TRYCMD=overwrite` writes what they print.

use std::path::Path;

use super::{Home, fixtures};

/// Runs the commands of a page in a folder with the files that it names.
fn page(page: &str) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(page);
    let home = Home::new();
    let name = page.file_name().unwrap().to_str().unwrap();
    let copy = home.copy(&page, name);
    let folder = home.at(&format!("{}.in", name.trim_end_matches(".md")));
    std::fs::create_dir(&folder).unwrap();
    for (from, to) in [
        ("saving/small.keras", "model.keras"),
        ("scan/lambda_deep.keras", "untrusted.keras"),
        ("found/blocks.keras", "blocks.keras"),
    ] {
        std::fs::copy(fixtures(from), Path::new(&folder).join(to)).unwrap();
    }
    {
        let cases = trycmd::TestCases::new();
        cases.register_bin("keras-serial", Path::new(env!("CARGO_BIN_EXE_keras-serial")));
        cases.env("NO_COLOR", "1").case(&copy);
        // The cases run where they are dropped.
    }
    if std::env::var("TRYCMD").is_ok_and(|mode| mode == "overwrite") {
        std::fs::copy(&copy, &page).unwrap();
    }
}

#[test]
fn the_page_of_the_command_line() {
    page("book/src/command_line.md");
}

#[test]
fn the_readme() {
    page("README.md");
}
