//! The Rust versions that Cargo.toml and README state are those that the dependencies need.

use std::collections::{HashMap, HashSet};
use std::process::Command;

use keras_serial::json::Value;

const PACKAGES: [&str; 2] = ["keras-serial", "keras-serial-derive"];

fn cargo(arguments: &[&str]) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let output =
        Command::new(env!("CARGO")).args(arguments).args(["--offline", "--locked"]).current_dir(root).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Features that are off by default are checked only where they are compiled, and so downloaded.
fn all_features() -> &'static [&'static str] {
    if cfg!(all(feature = "csv", feature = "parquet")) { &["--all-features"] } else { &[] }
}

/// Parses `1.89` and `1.89.0` as numbers.
fn version(text: &str) -> (u64, u64, u64) {
    let mut parts = text.split('.').map(|part| part.parse().unwrap());
    (parts.next().unwrap(), parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

/// The output of `cargo metadata` for all packages.
struct Packages {
    /// The Rust version that each package needs, by name and version.
    needed: HashMap<(String, String), String>,
    /// The version of the library for its light features.
    light: String,
}

impl Packages {
    fn read() -> Self {
        let verbose = Command::new("rustc").arg("-vV").output().unwrap().stdout;
        let verbose = String::from_utf8(verbose).unwrap();
        let host = verbose.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        let metadata = ["metadata", "--format-version", "1", "--filter-platform", host];
        let metadata = cargo(&[&metadata[..], all_features()].concat());
        let metadata = Value::parse(&metadata).unwrap();
        let text = |package: &Value, name: &str| package.get(name).and_then(Value::as_str).map(str::to_owned);
        let packages = metadata.get("packages").and_then(Value::as_list).unwrap();
        let needed = packages.iter().filter_map(|package| {
            Some(((text(package, "name")?, text(package, "version")?), text(package, "rust_version")?))
        });
        let library = packages.iter().find(|package| text(package, "name").as_deref() == Some(PACKAGES[0])).unwrap();
        let light = library.get("metadata").and_then(|metadata| metadata.get("keras-serial"));
        let light = text(light.unwrap(), "light-rust-version").unwrap();
        Self { needed: needed.collect(), light }
    }

    fn stated(&self) -> &str {
        self.needed.iter().find_map(|((name, _), needed)| (name == PACKAGES[0]).then_some(needed)).unwrap()
    }

    /// Returns the highest version that a dependency needs with these features, and the dependency.
    fn highest(&self, features: &[&str]) -> ((u64, u64, u64), String) {
        let tree = ["tree", "-p", PACKAGES[0], "-e", "normal,build", "--prefix", "none"];
        let tree = cargo(&[&tree[..], features].concat());
        let packages: HashSet<&str> = tree.lines().filter(|line| !line.is_empty()).collect();
        assert!(packages.len() > 10, "{tree}");
        let needed = packages.into_iter().filter_map(|line| {
            let mut words = line.split(' ');
            let key = (words.next()?.to_owned(), words.next()?.strip_prefix('v')?.to_owned());
            if PACKAGES.contains(&key.0.as_str()) {
                return None;
            }
            Some((version(self.needed.get(&key)?), key.0))
        });
        needed.max().unwrap()
    }
}

#[test]
fn dependencies_need_no_newer_rust_than_stated() {
    let packages = Packages::read();
    for features in [&[][..], all_features()] {
        let (highest, who) = packages.highest(features);
        assert!(
            highest <= version(packages.stated()),
            "{who} needs {highest:?}, rust-version is {}",
            packages.stated()
        );
    }
    let (highest, who) = packages.highest(&["--no-default-features"]);
    assert!(highest <= version(&packages.light), "{who} needs {highest:?}, light-rust-version is {}", packages.light);
}

#[test]
fn the_readme_states_the_same_versions() {
    let packages = Packages::read();
    let readme = include_str!("../../README.md");
    for needed in [packages.stated(), &packages.light] {
        assert!(readme.contains(&format!("Rust {needed}")), "README.md does not say `Rust {needed}`");
    }
    for package in PACKAGES {
        let needed = packages.needed.iter().find_map(|((name, _), needed)| (name == package).then_some(needed));
        assert_eq!(needed.map(String::as_str), Some(packages.stated()), "{package}");
    }
}
