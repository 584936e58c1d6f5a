//! Structs and attributes that come through `macro_rules!`.

use keras_serial::prelude::*;

macro_rules! layer_of {
    ($name:ident, $base:ty, $field:ident: $type:ty = $default:expr, $text:literal) => {
        /// A layer.
        #[derive(KerasSerializable)]
        #[keras(new, setters)]
        pub struct $name {
            base: $base,
            #[keras(default = $default, rename = $text)]
            $field: $type,
            #[keras(default)]
            option: Option<$type>,
            #[keras(sublayer(init = Dense::new($field).shared()))]
            dense: LayerRef,
        }
    };
}

layer_of!(Made, LayerBase, units: usize = 3, "size");

pub(super) fn main() {
    let made = Made::new().units(4).option(5);
    assert_eq!(made.get_config().unwrap().keys().collect::<Vec<_>>(), ["name", "trainable", "dtype", "size", "option"]);
    assert_eq!((made.units, made.option, made.dense.class_name()), (4, Some(5), "Dense"));
}
