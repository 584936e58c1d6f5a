//! Findings of a scan as SARIF 2.1.0 (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>).

use serde_json::{Value, json};

use super::scan::{Scanned, parts};
use crate::files::{Code, Severity};

/// Returns the log of one run over some files.
pub(super) fn log(scanned: &[Scanned]) -> Value {
    let rules: Vec<Value> = Code::ALL.iter().map(|code| rule(*code)).collect();
    let results: Vec<Value> = scanned.iter().flat_map(results).collect();
    let artifacts: Vec<Value> = scanned.iter().map(|one| json!({ "location": { "uri": uri(&one.file) } })).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "keras-serial",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "artifacts": artifacts,
            "results": results,
        }],
    })
}

fn rule(code: Code) -> Value {
    json!({
        "id": code.name(),
        "shortDescription": { "text": code.meaning() },
        "defaultConfiguration": { "level": code.severity().name() },
        "properties": { "tags": if code.severity() == Severity::Error { vec!["security"] } else { Vec::new() } },
    })
}

fn results(scanned: &Scanned) -> Vec<Value> {
    let result = |finding: &crate::files::Finding| {
        let (place, text) = parts(scanned, finding);
        let mut location = json!({
            "physicalLocation": {
                "artifactLocation": { "uri": uri(&scanned.file) },
                // A binary file has no lines, but GitHub shows no result without one.
                "region": { "startLine": 1 },
            },
        });
        if let Some(location) = location.as_object_mut().filter(|_| !place.is_empty()) {
            location.insert("logicalLocations".to_owned(), json!([{ "fullyQualifiedName": place }]));
        }
        let message = if place.is_empty() { text.to_owned() } else { format!("{place}: {text}") };
        json!({
            "ruleId": finding.code.name(),
            "ruleIndex": Code::ALL.iter().position(|code| *code == finding.code),
            "level": finding.severity.name(),
            "message": { "text": message },
            "locations": [location],
        })
    };
    scanned.report.findings.iter().map(result).collect()
}

/// Returns a path as a URI reference: bytes that these have no room for are percent-encoded.
fn uri(path: &str) -> String {
    let path = if cfg!(windows) { path.replace('\\', "/") } else { path.to_owned() };
    let keeps = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte);
    let encoded =
        path.bytes().map(|byte| if keeps(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") });
    encoded.collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn paths_are_encoded() {
        assert_eq!(super::uri("a b/ü:1.keras"), "a%20b/%C3%BC%3A1.keras");
    }
}
