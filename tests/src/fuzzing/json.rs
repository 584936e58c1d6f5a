//! Mutations of configurations that stay valid JSON.

use keras_serial::json::{Dict, Value};

use super::Numbers;

/// The replacements for values: every type, and numbers that are not sensible sizes, axes or rates.
fn strange() -> Vec<Value> {
    let list = |items: &[i64]| Value::List(items.iter().map(|item| Value::Int(*item)).collect());
    let text = |text: &str| Value::Str(text.to_owned());
    let object = Value::Dict(Dict::from([
        ("module".to_owned(), text("keras.layers")),
        ("class_name".to_owned(), text("Dense")),
        ("config".to_owned(), Value::Dict(Dict::from([("units".to_owned(), Value::Int(2))]))),
    ]));
    vec![
        Value::Null,
        Value::Bool(true),
        Value::Bool(false),
        Value::Int(0),
        Value::Int(-1),
        Value::Int(-2),
        Value::Int(1),
        Value::Int(2),
        Value::Int(3),
        Value::Int(7),
        Value::Int(100_000),
        Value::Int(1 << 31),
        Value::Int(1 << 40),
        Value::Int(i64::MAX),
        Value::Int(i64::MIN),
        Value::BigInt("100000000000000000000000".to_owned()),
        Value::Float(0.5),
        Value::Float(-0.5),
        Value::Float(1e308),
        Value::Float(f64::NAN),
        Value::Float(f64::INFINITY),
        Value::Float(f64::NEG_INFINITY),
        text(""),
        text("a"),
        text("relu"),
        text("same"),
        text("valid"),
        text("causal"),
        text("channels_first"),
        text("float64"),
        text("int8"),
        text("bool"),
        text("string"),
        text("mixed_float16"),
        text("../../x"),
        text("__lambda__"),
        list(&[]),
        list(&[0]),
        list(&[1]),
        list(&[-1, -1]),
        list(&[0, 0]),
        list(&[1 << 40]),
        list(&[1 << 31, 1 << 31, 1 << 31]),
        list(&[i64::MAX, i64::MAX]),
        list(&[1, 2, 3, 4, 5, 6, 7, 8, 9]),
        Value::List(vec![Value::Null]),
        Value::List(vec![Value::Null, Value::Int(-3)]),
        Value::List(vec![Value::Null, Value::Null, Value::Int(1 << 31)]),
        Value::List(vec![text("dense"), Value::Int(0), Value::Int(0)]),
        Value::List(vec![list(&[0, 1]), list(&[1, 0])]),
        Value::Dict(Dict::new()),
        object,
    ]
}

/// Returns the number of values in a document, including itself.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::List(items) => items.iter().map(count).sum(),
        Value::Dict(dict) => dict.values().map(count).sum(),
        _ => 0,
    }
}

/// Returns the value with this number, counted depth first.
fn nth(value: &mut Value, mut index: usize) -> Option<&mut Value> {
    if index == 0 {
        return Some(value);
    }
    index -= 1;
    let children: Box<dyn Iterator<Item = &mut Value>> = match value {
        Value::List(items) => Box::new(items.iter_mut()),
        Value::Dict(dict) => Box::new(dict.values_mut()),
        _ => return None,
    };
    for child in children {
        let size = count(child);
        if index < size {
            return nth(child, index);
        }
        index -= size;
    }
    None
}

/// Changes one to three values of a document: replaces them, also by values from elsewhere in it, or
/// deletes, doubles and renames entries.
pub fn mutate_json(numbers: &mut Numbers, document: &Value) -> Value {
    let mut document = document.clone();
    let strange = strange();
    for _ in 0..=numbers.below(3) {
        let total = count(&document);
        // Another value of the document, sometimes of the same kind.
        let from = numbers.below(total);
        let other = nth(&mut document, from).cloned().unwrap_or_default();
        let at = numbers.below(total);
        let choice = numbers.below(12);
        let (entry, number) = (numbers.any() as usize, numbers.below(40));
        let Some(value) = nth(&mut document, at) else { continue };
        match (choice, &mut *value) {
            (0, Value::Dict(dict)) if !dict.is_empty() => {
                dict.shift_remove_index(entry % dict.len());
            }
            (0, Value::List(items)) if !items.is_empty() => {
                items.remove(entry % items.len());
            }
            (1, Value::List(items)) if !items.is_empty() => {
                let item = items[entry % items.len()].clone();
                let to = (entry >> 8) % items.len();
                // Occasionally many: thousands of layers or nodes of one kind.
                let times = if number == 0 { 3000 } else { 1 };
                for _ in 0..times {
                    items.insert(to, item.clone());
                }
            }
            (1, Value::Dict(dict)) if dict.len() > 1 => {
                let (a, b) = (entry % dict.len(), (entry >> 8) % dict.len());
                dict.swap_indices(a, b);
                let (Some((_, x)), Some((_, y))) = (dict.get_index(a), dict.get_index(b)) else { continue };
                let (x, y) = (x.clone(), y.clone());
                dict[a] = y;
                dict[b] = x;
            }
            (2, Value::Int(old)) => *old = old.wrapping_add(number as i64 - 20),
            (2, Value::Float(old)) => *old *= number as f64 - 20.0,
            (3 | 4, _) if number > 0 || count(&other) < 100 => *value = other,
            _ => *value = numbers.pick(&strange).clone(),
        }
    }
    document
}

/// Returns the document with one value replaced by one of the strange ones, for all combinations in
/// turn; `None` after the last.
pub fn systematic(document: &Value, index: u64) -> Option<Value> {
    let strange = strange();
    let (at, which) = ((index / strange.len() as u64) as usize, (index % strange.len() as u64) as usize);
    let mut document = document.clone();
    *nth(&mut document, at)? = strange[which].clone();
    Some(document)
}
