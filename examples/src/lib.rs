//! One short program per task with models. Each file can be read alone, and has a page in the book.

use keras_serial::Result;

macro_rules! examples {
    ($($name:ident),* $(,)?) => {
        $(pub mod $name;)*

        /// All examples, by name.
        pub const EXAMPLES: &[(&str, fn() -> Result<()>)] = &[$((stringify!($name), $name::main)),*];

        #[cfg(test)]
        mod tests {
            $(
                #[test]
                fn $name() {
                    super::$name::main().unwrap();
                }
            )*
        }
    };
}

examples! {
    quickstart,
    save_and_load,
    archive,
    layer_in_layer,
    register,
    master_list,
    describe,
    paths,
    versions,
    placeholders,
    custom_objects,
    scope,
    clone_model,
    configs,
    to_json,
    serialize_objects,
    transfer_weights,
    stateless_layers,
    weights_file,
    files,
    callbacks,
    resume,
    digits,
    trainable,
    transfer_learning,
    my_dense,
    custom_model,
    own_model,
    own_objects,
    export_onnx,
    predictor,
    plot_model,
}
