//! Tests of texts and errors against Python's `json`.

use proptest::prelude::*;

use super::{Dict, JsonLimits, Value, value};
use crate::error::ErrorKind;

/// The bits of a float and its text, by `struct.unpack("<Q", struct.pack("<d", v))[0], json.dumps(v)`.
const FLOATS: &[(u64, &str)] = &[
    (0x0000000000000000, "0.0"),
    (0x8000000000000000, "-0.0"),
    (0x3ff0000000000000, "1.0"),
    (0xbff0000000000000, "-1.0"),
    (0x3fb999999999999a, "0.1"),
    (0x3fc999999999999a, "0.2"),
    (0x3fd3333333333333, "0.3"),
    (0x3fe0000000000000, "0.5"),
    (0x3f50624dd2f1a9fc, "0.001"),
    (0x3f1a36e2eb1c432d, "0.0001"),
    (0x3f202e4b6ce5dc68, "0.00012345"),
    (0x3ee4f8b588e368f1, "1e-05"),
    (0x3f1a36371ea531a8, "9.999e-05"),
    (0x3e7ad7f29abcaf48, "1e-07"),
    (0x3e45798ee2308c3a, "1e-08"),
    (0x3de49da7e361ce4c, "1.5e-10"),
    (0x4004000000000000, "2.5"),
    (0x400921fb54442d18, "3.141592653589793"),
    (0x4005bf0a8b145769, "2.718281828459045"),
    (0x4059000000000000, "100.0"),
    (0x40fe240c9fbe76c9, "123456.789"),
    (0x40f86a0000000000, "100000.0"),
    (0x4202a05f20000000, "10000000000.0"),
    (0x430c6bf526340000, "1000000000000000.0"),
    (0x4341c37937e08000, "1e+16"),
    (0x3ff0000000000001, "1.0000000000000002"),
    (0x430c6bf52633ffff, "999999999999999.9"),
    (0x4341c37937e07fff, "9999999999999998.0"),
    (0x4345ee2a2eb5a5c4, "1.2345678901234568e+16"),
    (0x437b69b4ba630f35, "1.2345678901234568e+17"),
    (0x4376345785d8a000, "1e+17"),
    (0x444b1ae4d6e2ef50, "1e+21"),
    (0x4480f0cf064dd592, "1e+22"),
    (0x44b52d02c7e14af6, "1e+23"),
    (0x7e41eb2d66005835, "1.5e+300"),
    (0x7fefffffffffffff, "1.7976931348623157e+308"),
    (0xffefffffffffffff, "-1.7976931348623157e+308"),
    (0x0010000000000000, "2.2250738585072014e-308"),
    (0x000fffffffffffff, "2.225073858507201e-308"),
    (0x0000000000000001, "5e-324"),
    (0x8000000000000001, "-5e-324"),
    (0x0000000000000002, "1e-323"),
    (0x0008000000000000, "1.1125369292536007e-308"),
    (0x0000000000000064, "4.94e-322"),
    (0x3fd3333333333334, "0.30000000000000004"),
    (0x2b2bff2ee48e0530, "1e-100"),
    (0x44dfe185ca57c517, "6.02214076e+23"),
    (0x3c07a4da290c1653, "1.602176634e-19"),
    (0x433fffffffffffff, "9007199254740991.0"),
    (0x4340000000000000, "9007199254740992.0"),
    (0x4330000000000000, "4503599627370496.0"),
    (0x3feccccccccccccd, "0.9"),
    (0x3fefae147ae147ae, "0.99"),
    (0x3feff7ced916872b, "0.999"),
    (0x3fefff2e48e8a71e, "0.9999"),
    (0x3f0a36e2eb1c432d, "5e-05"),
    (0x3f60000000000000, "0.001953125"),
    (0x3ee9cb8320b15070, "1.23e-05"),
    (0xbf90000000000000, "-0.015625"),
    (0x4040aaaaaaaaaaab, "33.333333333333336"),
    (0x54b249ad2594c37d, "1e+100"),
    (0x3ee1d3671ac14c66, "8.5e-06"),
    (0x7ff8000000000000, "NaN"),
    (0x7ff0000000000000, "Infinity"),
    (0xfff0000000000000, "-Infinity"),
    (0x3fb99999a0000000, "0.10000000149011612"),    // f32 0.1
    (0x3e7ad7f2a0000000, "1.0000000116860974e-07"), // f32 1e-07
    (0x3feff7cee0000000, "0.9990000128746033"),     // f32 0.999
    (0x3f50624de0000000, "0.0010000000474974513"),  // f32 0.001
    (0x47efffffe0000000, "3.4028234663852886e+38"), // f32 3.4028234663852886e+38
    (0x36a0000000000000, "1.401298464324817e-45"),  // f32 1e-45
    (0x3fd3333340000000, "0.30000001192092896"),    // f32 0.3
    (0x3ff19999a0000000, "1.100000023841858"),      // f32 1.1
];

#[test]
fn floats_are_written_and_read_as_python_does() {
    for (bits, text) in FLOATS {
        let number = f64::from_bits(*bits);
        assert_eq!(Value::Float(number).to_json(), *text);
        match Value::parse(text).unwrap() {
            Value::Float(read) => assert!(read.to_bits() == *bits || (read.is_nan() && number.is_nan()), "{text}"),
            other => panic!("{text} was read as {other}"),
        }
    }
}

#[test]
fn single_precision_is_widened() {
    // json.dumps(float(numpy.float32(0.1))) and so on
    for (number, text) in [(0.1_f32, "0.10000000149011612"), (1e-7, "1.0000000116860974e-07"), (0.5, "0.5")] {
        assert_eq!(Value::from(number).to_json(), text);
    }
}

#[test]
fn texts_are_those_of_json_dumps() {
    let made = value!({
        "name": "dé \"q\" \\ / \n\t\r\u{8}\u{c}\0\u{7f} 😀 \u{2028}",
        "n": [1, -2, 1_i128 << 70, i64::MIN, 1_u64 << 63],
        "f": [1.0, 1e-7, f64::NAN, f64::INFINITY, f64::NEG_INFINITY],
        "e": [[], {}],
        "t": [true, false, null],
        "d": { "a": { "b": [1, { "c": 2 }] } },
    });
    let text = concat!(
        r#"{"name": "d\u00e9 \"q\" \\ / \n\t\r\b\f\u0000\u007f \ud83d\ude00 \u2028", "#,
        r#""n": [1, -2, 1180591620717411303424, -9223372036854775808, 9223372036854775808], "#,
        r#""f": [1.0, 1e-07, NaN, Infinity, -Infinity], "e": [[], {}], "t": [true, false, null], "#,
        r#""d": {"a": {"b": [1, {"c": 2}]}}}"#,
    );
    assert_eq!(made.to_json(), text);
    assert_eq!(made.to_string(), text);
    assert_eq!(Value::parse(text).unwrap(), made);
}

#[test]
fn pretty_texts_are_those_of_json_dumps_with_indent() {
    // json.dumps({"a": [], "b": {}, "c": [1, [2]]}, indent=4)
    let made = value!({ "a": [], "b": {}, "c": [1, [2]] });
    let text =
        "{\n    \"a\": [],\n    \"b\": {},\n    \"c\": [\n        1,\n        [\n            2\n        ]\n    ]\n}";
    assert_eq!(made.to_json_pretty(4), text);
    assert_eq!(value!([1, [2]]).to_json_pretty(0), "[\n1,\n[\n2\n]\n]");
    // Wider than a format specification allows.
    assert_eq!(value!([1]).to_json_pretty(70_000).len(), "[\n1\n]".len() + 70_000);
}

/// `text, json.dumps(json.loads(text))`
const READ: &[(&str, &str)] = &[
    (" 1 ", "1"),
    ("\t\r\n1", "1"),
    ("-0", "0"),
    ("-0.0", "-0.0"),
    ("1E5", "100000.0"),
    ("1e05", "100000.0"),
    ("0e0", "0.0"),
    ("0.1e1", "1.0"),
    ("1e400", "Infinity"),
    ("-1e400", "-Infinity"),
    ("1E-400", "0.0"),
    ("NaN", "NaN"),
    ("-Infinity", "-Infinity"),
    ("[Infinity]", "[Infinity]"),
    ("12345678901234567890", "12345678901234567890"),
    ("-9223372036854775808", "-9223372036854775808"),
    ("-9223372036854775809", "-9223372036854775809"),
    ("[ 1 , [ ] , { } ]", "[1, [], {}]"),
    (r#"{"a":1,"b":2,"a":3}"#, r#"{"a": 3, "b": 2}"#),
    (r#"{"":null}"#, r#"{"": null}"#),
    (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
    (r#""\/\u0000""#, r#""/\u0000""#),
    ("\"\u{7f}é\"", r#""\u007f\u00e9""#),
];

#[test]
fn texts_are_read_as_json_loads_reads_them() {
    for (text, written) in READ {
        assert_eq!(Value::parse(text).unwrap().to_json(), *written, "{text}");
    }
    assert!(matches!(Value::parse("-9223372036854775809").unwrap(), Value::BigInt(_)));
    assert_eq!(Value::parse_bytes(b"\xef\xbb\xbf1", &JsonLimits::new()).unwrap(), Value::Int(1));
}

/// Texts that `json.loads` refuses, with the line and column of its error.
const REFUSED: &[(&str, usize, usize)] = &[
    ("", 1, 1),
    ("[", 1, 2),
    ("[1", 1, 3),
    ("[1,", 1, 4),
    ("[1,]", 1, 4),
    ("{", 1, 2),
    ("{\"a\"", 1, 5),
    ("{\"a\":", 1, 6),
    ("{\"a\":1", 1, 7),
    ("{\"a\":1,", 1, 8),
    ("{\"a\":1,}", 1, 8),
    ("{1:2}", 1, 2),
    ("{'a':1}", 1, 2),
    ("{\"a\":1 \"b\":2}", 1, 8),
    ("\"abc", 1, 1),
    ("\"a\nb\"", 1, 3),
    ("\"\\x\"", 1, 2),
    ("01", 1, 2),
    ("-", 1, 1),
    ("1.", 1, 2),
    (".5", 1, 1),
    ("+1", 1, 1),
    ("1.e5", 1, 2),
    ("1e", 1, 2),
    ("1e+", 1, 2),
    ("0x10", 1, 2),
    ("-01", 1, 3),
    ("tru", 1, 1),
    ("nan", 1, 1),
    ("-NaN", 1, 1),
    ("Inf", 1, 1),
    ("[1 2]", 1, 4),
    ("1 2", 1, 3),
    ("[1]]", 1, 4),
    ("\u{feff}1", 1, 1),
    ("[1,\n 2,\n  x]", 3, 3),
    ("[\"é\", x]", 1, 7),
    ("-+1", 1, 1),
    ("--1", 1, 1),
    ("1-2", 1, 2),
    ("1_000", 1, 2),
    ("\u{a0}1", 1, 1),
    ("\u{c}1", 1, 1),
];

#[test]
fn errors_stand_where_python_puts_them() {
    for (text, line, column) in REFUSED {
        let error = Value::parse(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Json);
        assert_eq!(error.message(), format!("broken JSON at line {line} column {column}"), "{text:?}");
    }
}

#[test]
fn errors_say_what_was_expected() {
    let error = Value::parse("{\"units\": [1, }").unwrap_err();
    assert_eq!(error.to_string(), "broken JSON at line 1 column 15. Expected a value. Received: \"}\"");
    for text in [r#""\ud800""#, r#""\udc00x""#, r#""\ud800\u0041""#, r#""\ud800\n""#] {
        let error = Value::parse(text).unwrap_err().to_string();
        assert!(error.contains("line 1 column 2") && error.contains("surrogate"), "{error}");
    }
    for text in [r#""\u12""#, r#""\u12g4""#, r#""\u+123""#, "\"\\u00é\""] {
        assert!(Value::parse(text).unwrap_err().to_string().contains("four hexadecimal digits"));
    }
    let error = Value::parse_bytes(b"\xef\xbb\xbf[\"\xff\"]", &JsonLimits::new()).unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Json, "the JSON text is not UTF-8 from byte 5 on"));
}

#[test]
fn integers_have_as_many_digits_as_python_reads() {
    assert!(Value::parse(&format!("-{}", "1".repeat(4300))).is_ok());
    assert_eq!(Value::parse(&"1".repeat(4301)).unwrap_err().kind(), ErrorKind::Json);
}

#[test]
fn what_is_too_deep_or_large_is_refused() {
    let kind = |text: &str, limits: &JsonLimits| Value::parse_with(text, limits).err().map(|error| error.kind());
    let limits = JsonLimits::new();
    for open in ["[", "{\"a\":", "[{\"a\":"] {
        assert_eq!(kind(&open.repeat(200_000), &limits), Some(ErrorKind::Limit));
    }
    assert_eq!(kind(&("[".repeat(512) + &"]".repeat(512)), &limits), None);
    assert_eq!(kind(&("[".repeat(513) + &"]".repeat(513)), &limits), Some(ErrorKind::Limit));
    assert_eq!(kind("[1, 2]", &JsonLimits::new().max_bytes(5)), Some(ErrorKind::Limit));
    assert_eq!(kind("[1, 2]", &JsonLimits::new().max_items(2)), Some(ErrorKind::Limit));
    assert_eq!(kind("[1, 2]", &JsonLimits::new().max_items(3)), None);
    assert_eq!(kind("1", &JsonLimits::new().max_depth(1 << 20)), Some(ErrorKind::InvalidArgument));
}

#[test]
fn the_deepest_values_fit_a_small_stack() {
    let deepest = JsonLimits::DEEPEST;
    let text = "[{\"a\": ".repeat(deepest / 2) + "1" + &"}]".repeat(deepest / 2);
    let check = move || {
        let read = Value::parse_with(&text, &JsonLimits::new().max_depth(deepest)).unwrap();
        let copy = read.clone();
        assert!(copy == read);
        assert_eq!(copy.to_json(), text);
        assert!(super::to_value(&read).unwrap() == read);
        assert!(super::from_value::<Value>(&read).unwrap() == read);
        assert_eq!(read.short().chars().count(), 81);
        assert!(Value::from(serde_json::Value::try_from(&read).unwrap()) == read);
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(check).unwrap().join().unwrap();
}

#[test]
fn short_texts_are_cut_after_80_characters() {
    assert_eq!(value!({ "a": [1] }).short(), r#"{"a": [1]}"#);
    assert_eq!(Value::from("x".repeat(78)).short().len(), 80);
    assert_eq!(Value::from("é".repeat(100_000)).short().chars().count(), 81);
}

#[test]
fn values_have_kinds_and_equality() {
    assert_eq!(value!([f64::NAN]), value!([f64::NAN]));
    assert_ne!(Value::Int(1), Value::Float(1.0));
    assert_eq!(value!({ "a": 1, "b": 2 }), value!({ "b": 2, "a": 1 }));
    assert_eq!((Value::Int(2).as_f64(), Value::Float(2.0).as_i64()), (Some(2.0), None));
    assert_eq!((Value::Bool(true).as_i64(), Value::Bool(true).as_bool()), (None, Some(true)));
    assert_eq!(value!({ "a": [3] }).get("a").and_then(Value::as_list), Some(&[Value::Int(3)][..]));
    assert_eq!(Value::from(u64::MAX), Value::BigInt("18446744073709551615".into()));
    let words = [value!(null), value!(true), value!(1), value!(1.0), value!(""), value!([]), value!({})];
    assert_eq!(
        words.map(|value| value.type_name()),
        ["null", "a boolean", "an integer", "a float", "a string", "a list", "a dict"]
    );
}

fn values() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i128>().prop_map(Value::from),
        any::<u64>().prop_map(|bits| Value::from(f64::from_bits(bits))),
        proptest::collection::vec(any::<char>(), 0..8).prop_map(|text| Value::from(String::from_iter(text))),
    ];
    scalar.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
            proptest::collection::vec(("[a-c\"é]{0,3}", inner), 0..5)
                .prop_map(|entries| Value::Dict(Dict::from_iter(entries))),
        ]
    })
}

/// Returns true if values are equal except for the last bit of floats, which serde_json rounds less
/// exactly by default.
fn alike(a: &serde_json::Value, b: &serde_json::Value) -> bool {
    match (a, b) {
        (serde_json::Value::Number(a), serde_json::Value::Number(b)) if a.is_f64() && b.is_f64() => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= a.abs() * 1e-15 || a.to_bits().abs_diff(b.to_bits()) <= 1
        }
        (serde_json::Value::Array(a), serde_json::Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
        }
        (serde_json::Value::Object(a), serde_json::Value::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((a, x), (b, y))| a == b && alike(x, y))
        }
        _ => a == b,
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(value in values(), indent in 0_usize..4) {
        let text = value.to_json();
        prop_assert!(text.is_ascii());
        let read = Value::parse(&text).unwrap();
        prop_assert_eq!(&read, &value);
        // This includes the sign of zero and the order of keys, which equality ignores.
        prop_assert_eq!(read.to_json(), text);
        prop_assert_eq!(&Value::parse(&value.to_json_pretty(indent)).unwrap(), &value);
        prop_assert_eq!(&super::to_value(&value).unwrap(), &value);
        prop_assert_eq!(&super::from_value::<Value>(&value).unwrap(), &value);
    }

    /// Standard JSON, whole or cut short, is read as serde_json reads it. Only Python's additions
    /// differ: words for NaN and the infinities, unbounded integers, and numbers too large for a float.
    #[test]
    fn standard_json_is_what_serde_json_reads(value in values(), cut in 0_usize..60) {
        let text = value.to_json();
        let text = text.get(..text.len().saturating_sub(cut / 6)).unwrap_or_default();
        match (Value::parse(text), serde_json::from_str::<serde_json::Value>(text)) {
            (Ok(ours), Ok(theirs)) => match serde_json::Value::try_from(&ours) {
                Ok(ours) => prop_assert!(alike(&ours, &theirs), "{} {}", ours, theirs),
                Err(_) => prop_assert!(text.contains(|c: char| c.is_ascii_digit()), "{}", text),
            },
            (Err(_), Err(_)) => {}
            (Ok(_), Err(error)) => prop_assert!(
                text.contains("NaN") || text.contains("Infinity") || error.to_string().contains("out of range"),
                "{} {}", text, error
            ),
            (Err(error), Ok(_)) => prop_assert!(false, "{} {}", text, error),
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[\\[\\]{}\",:\\\\u0-9a-fNI. \\-+eE\u{e9}\n]{0,40}") {
        if let Ok(value) = Value::parse(&text) {
            prop_assert_eq!(Value::parse(&value.to_json()).unwrap(), value);
        }
    }
}
