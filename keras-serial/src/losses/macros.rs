//! The macro for built-in losses: a class with `name`, `reduction` and `dtype`, and a function.

/// Defines a loss: a class and a function of the same computation.
///
/// Arguments are `name: type = default`; those with `omit(path)` are omitted from configurations if the
/// function at `path` returns true.
macro_rules! loss {
    (
        $(#[$doc:meta])*
        class $class:ident($name:literal $(, validate = $validate:path)?) {
            $($(#[$field_doc:meta])* $field:ident: $ty:ty = $default:expr $(, omit($omit:path))?;)*
        }
        $(#[$function_doc:meta])*
        function $function:ident($($alias:literal),*);
        |$loss:ident, $y_true:ident, $y_pred:ident| $body:block
    ) => {
        $(#[$doc])*
        #[$crate::register(builtin = "keras.losses")]
        #[derive($crate::KerasSerializable, Clone, Debug)]
        #[keras(new, default, setters $(, validate = $validate)?)]
        pub struct $class {
            #[keras(default = $crate::losses::LossBase::named($name))]
            base: $crate::losses::LossBase,
            $($(#[$field_doc])* #[keras(default = $default $(, skip_if = $omit)?)] $field: $ty,)*
        }

        impl $class {
            /// Computes the loss of each sample, for tensors of one dtype and with matching shapes.
            pub(crate) fn compute(&self, $y_true: &$crate::tensor::Tensor, $y_pred: &$crate::tensor::Tensor) -> $crate::error::Result<$crate::tensor::Tensor> {
                let $loss = self;
                let _ = $loss;
                $body
            }
        }

        impl $crate::losses::ComputeLoss for $class {
            fn call(&self, y_true: &$crate::tensor::Tensor, y_pred: &$crate::tensor::Tensor) -> $crate::error::Result<$crate::tensor::Tensor> {
                let (y_true, y_pred) = $crate::losses::squeeze_or_expand_to_same_rank(y_true, y_pred, true)?;
                self.compute(&y_true, &y_pred)
            }
        }

        $(#[$function_doc])*
        ///
        /// # Errors
        /// When the shapes do not fit.
        #[$crate::register(builtin = "keras.losses", alias($($alias),*))]
        pub fn $function(y_true: &$crate::tensor::Tensor, y_pred: &$crate::tensor::Tensor) -> $crate::error::Result<$crate::tensor::Tensor> {
            let (y_true, y_pred) = $crate::losses::as_numbers(y_true, y_pred)?;
            $class::new().compute(&y_true, &y_pred)
        }

        inventory::submit! {
            $crate::losses::Parameterized {
                function: stringify!($function),
                make: |arguments| Ok($crate::losses::Loss::new(<$class as $crate::KerasSerializable>::from_config(arguments)?)),
            }
        }
    };
}
pub(super) use loss;
