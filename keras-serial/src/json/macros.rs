//! A macro for JSON values in Rust code.

/// Creates a [`Value`](crate::json::Value) from JSON notation; re-exported as
/// `keras_serial::json::value!`.
///
/// Keys are string literals, or expressions in parentheses that give a `String`; a value can be any
/// expression whose type converts into `Value`.
///
/// ```
/// use keras_serial::json;
/// let units = 3_usize;
/// let value = json::value!({ "units": units, "shape": [null, units + 1], ("a".to_owned()): {} });
/// assert_eq!(value.to_json(), r#"{"units": 3, "shape": [null, 4], "a": {}}"#);
/// ```
#[macro_export]
#[doc(hidden)]
macro_rules! __json_value {
    // Items of a list: the converted ones in brackets, then the rest.
    (@list [$($done:expr,)*]) => { ::std::vec![$($done),*] };
    (@list [$($done:expr,)*] null $(, $($rest:tt)*)?) => {
        $crate::__json_value!(@list [$($done,)* $crate::__json_value!(null),] $($($rest)*)?)
    };
    (@list [$($done:expr,)*] [$($inner:tt)*] $(, $($rest:tt)*)?) => {
        $crate::__json_value!(@list [$($done,)* $crate::__json_value!([$($inner)*]),] $($($rest)*)?)
    };
    (@list [$($done:expr,)*] {$($inner:tt)*} $(, $($rest:tt)*)?) => {
        $crate::__json_value!(@list [$($done,)* $crate::__json_value!({$($inner)*}),] $($($rest)*)?)
    };
    (@list [$($done:expr,)*] $item:expr $(, $($rest:tt)*)?) => {
        $crate::__json_value!(@list [$($done,)* $crate::__json_value!($item),] $($($rest)*)?)
    };

    // Entries of a dict: the converted ones in brackets, then the rest.
    (@dict [$(($key:expr, $value:expr))*]) => {
        [$((::std::string::String::from($key), $value)),*]
    };
    (@dict [$($done:tt)*] $key:tt : null $(, $($rest:tt)*)?) => {
        $crate::__json_value!(@dict [$($done)* ($key, $crate::__json_value!(null))] $($($rest)*)?)
    };
    (@dict [$($done:tt)*] $key:tt : [$($inner:tt)*] $(, $($rest:tt)*)?) => {
        $crate::__json_value!(@dict [$($done)* ($key, $crate::__json_value!([$($inner)*]))] $($($rest)*)?)
    };
    (@dict [$($done:tt)*] $key:tt : {$($inner:tt)*} $(, $($rest:tt)*)?) => {
        $crate::__json_value!(@dict [$($done)* ($key, $crate::__json_value!({$($inner)*}))] $($($rest)*)?)
    };
    (@dict [$($done:tt)*] $key:tt : $item:expr $(, $($rest:tt)*)?) => {
        $crate::__json_value!(@dict [$($done)* ($key, $crate::__json_value!($item))] $($($rest)*)?)
    };

    (null) => { $crate::json::Value::Null };
    ([]) => { $crate::json::Value::List(::std::vec::Vec::new()) };
    ([$($items:tt)+]) => { $crate::json::Value::List($crate::__json_value!(@list [] $($items)+)) };
    ({}) => { $crate::json::Value::Dict($crate::json::Dict::new()) };
    ({$($entries:tt)+}) => {
        $crate::json::Value::Dict($crate::json::Dict::from_iter($crate::__json_value!(@dict [] $($entries)+)))
    };
    ($item:expr) => { $crate::json::Value::from($item) };
}

#[cfg(test)]
mod tests {
    use crate::json::{Dict, Value, value};

    #[test]
    fn values_are_written_as_json() {
        let made = value!({
            "a": 1,
            "b": [null, true, 2.5, -1, [], {}, [1, "x"], { "y": null }],
            "c": { "d": [[null, 2], (3, 4).1], },
        });
        // json.dumps({"a": 1, "b": [None, True, 2.5, -1, [], {}, [1, "x"], {"y": None}], "c": {"d": [[None, 2], 4]}})
        let text = r#"{"a": 1, "b": [null, true, 2.5, -1, [], {}, [1, "x"], {"y": null}], "c": {"d": [[null, 2], 4]}}"#;
        assert_eq!(made.to_json(), text);
    }

    #[test]
    fn expressions_stand_for_values_and_keys() {
        let (name, kept) = (String::from("k"), value!([1]));
        let made = value!({ (name.clone()): kept.clone(), "o": Some(2_u8), "n": None::<i32>, "s": &name });
        assert_eq!(made.to_json(), r#"{"k": [1], "o": 2, "n": null, "s": "k"}"#);
        assert_eq!(value!(1.5_f32 + 1.0), Value::Float(2.5));
        assert_eq!(value!(null), Value::Null);
        assert_eq!(value!({}), Value::Dict(Dict::new()));
        assert_eq!(value!([null,]), Value::List(vec![Value::Null]));
    }
}
