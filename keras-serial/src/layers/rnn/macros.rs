//! What recurrent layers and cells share.

/// Creates the weights of a cell.
macro_rules! make_recurrent_weights {
    ($cell:ident, $cx:ident, kernel: $kernel:expr, recurrent: $recurrent:expr, bias: $bias:expr, $initializer:expr) => {{
        $cell
            .kernel
            .make($cx, $kernel)
            .initializer(&$cell.kernel_initializer)
            .regularizer(&$cell.kernel_regularizer)
            .constraint(&$cell.kernel_constraint)
            .create()?;
        $cell
            .recurrent_kernel
            .make($cx, $recurrent)
            .initializer(&$cell.recurrent_initializer)
            .regularizer(&$cell.recurrent_regularizer)
            .constraint(&$cell.recurrent_constraint)
            .create()?;
        if $cell.use_bias {
            $cell
                .bias
                .make($cx, $bias)
                .initializer($initializer)
                .regularizer(&$cell.bias_regularizer)
                .constraint(&$cell.bias_constraint)
                .create()?;
        }
    }};
}

/// Implements a recurrent layer: everything but its arguments.
///
/// `$fields` are the arguments that it passes to its cell unchanged.
macro_rules! recurrent_layer {
    ($name:ident, ndim: $ndim:literal, cell: $cell:ident($($argument:ident),*) as $cell_name:literal { $($field:ident),* $(,)? }) => {
        impl $name {
            /// Returns the cell.
            pub fn cell(&self) -> &LayerRef {
                self.cell.get_or_make(|| {
                    LayerRef::new($cell {
                        base: super::recurrence::cell_base(&self.base, $cell_name),
                        $($field: self.$field.clone(),)*
                        ..$cell::new($(self.$argument),*)
                    })
                })
            }
        }

        recurrent_layer!($name, Some(InputSpec::ndim($ndim)));
    };
    ($name:ident, $spec:expr) => {
        impl $name {
            fn recurrence(&self) -> Recurrence<'_> {
                Recurrence {
                    base: &self.base,
                    cell: self.cell(),
                    return_sequences: self.return_sequences,
                    return_state: self.return_state,
                    go_backwards: self.go_backwards,
                    stateful: self.stateful,
                    unroll: self.unroll,
                    zero_output_for_mask: self.zero_output_for_mask,
                    kept: &self.states,
                }
            }

            /// Returns the states that a stateful layer keeps for the next batch.
            pub fn states(&self) -> Option<Nested<Tensor>> {
                self.states.get()
            }
        }

        impl Layer for $name {
            fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
                self.recurrence().build(input, cx)
            }

            fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
                self.recurrence().call(inputs, cx)
            }

            fn signature(&self) -> crate::layers::Signature {
                crate::layers::Signature::new(&["sequences", "initial_state", "mask", "training"]).build(&["sequences_shape", "initial_state_shape"])
            }

            fn input_spec(&self) -> Option<InputSpec> {
                $spec
            }

            fn traits(&self) -> crate::layers::LayerTraits {
                crate::layers::LayerTraits::new().supports_masking(true)
            }

            fn compute_mask(&self, _: &CallArgs, masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
                Ok(vec![masks.first().cloned().flatten().filter(|_| self.return_sequences)])
            }

            fn reset_state(&self) -> Result<()> {
                self.states.reset()
            }
        }
    };
}

/// Defines a convolutional LSTM over `$rank` axes.
macro_rules! conv_lstm {
    ($(#[$doc:meta])* $name:ident, $rank:literal, $ndim:literal) => {
        use super::conv_lstm_cell::ConvLSTMCell;
        use super::dropout::Rate;
        use super::recurrence::{KeptStates, Recurrence};
        use crate::activations::Activation;
        use crate::constraints::Constraint;
        use crate::error::Result;
        use crate::initializers::Initializer;
        use crate::layers::{BuildContext, Dims, InputSpec, Layer, LayerBase, LayerRef, Sublayer};
        use crate::ops::conv::{DataFormat, Padding};
        use crate::random::Seed;
        use crate::regularizers::Regularizer;
        use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
        use crate::{KerasSerializable, register};

        $(#[$doc])*
        #[register(builtin = "keras.layers")]
        #[derive(KerasSerializable, Debug)]
        #[keras(new, setters, validate = Self::check)]
        pub struct $name {
            base: LayerBase,
            #[keras(default)]
            return_sequences: bool,
            #[keras(default)]
            return_state: bool,
            #[keras(default)]
            go_backwards: bool,
            #[keras(default)]
            stateful: bool,
            #[keras(default)]
            unroll: bool,
            #[keras(default)]
            zero_output_for_mask: bool,
            filters: usize,
            kernel_size: Dims<$rank>,
            #[keras(default = 1.into())]
            strides: Dims<$rank>,
            #[keras(default)]
            padding: Padding,
            #[keras(default)]
            data_format: DataFormat,
            #[keras(default = 1.into())]
            dilation_rate: Dims<$rank>,
            #[keras(default = "tanh".into())]
            activation: Activation,
            #[keras(default = "sigmoid".into())]
            recurrent_activation: Activation,
            #[keras(default = true)]
            use_bias: bool,
            #[keras(default = Some("glorot_uniform".into()))]
            kernel_initializer: Option<Initializer>,
            #[keras(default = Some("orthogonal".into()))]
            recurrent_initializer: Option<Initializer>,
            #[keras(default = Some("zeros".into()))]
            bias_initializer: Option<Initializer>,
            #[keras(default = true)]
            unit_forget_bias: bool,
            #[keras(default)]
            kernel_regularizer: Option<Regularizer>,
            #[keras(default)]
            recurrent_regularizer: Option<Regularizer>,
            #[keras(default)]
            bias_regularizer: Option<Regularizer>,
            #[keras(base_or_null)]
            activity_regularizer: (),
            #[keras(default)]
            kernel_constraint: Option<Constraint>,
            #[keras(default)]
            recurrent_constraint: Option<Constraint>,
            #[keras(default)]
            bias_constraint: Option<Constraint>,
            #[keras(default)]
            dropout: Rate,
            #[keras(default)]
            recurrent_dropout: Rate,
            #[keras(default)]
            seed: Seed,
            #[keras(sublayer)]
            cell: Sublayer,
            #[keras(skip)]
            states: KeptStates,
        }

        impl $name {
            fn check(&self) -> Result<()> {
                match self.cell().downcast_ref::<ConvLSTMCell<$rank>>() {
                    Some(cell) => cell.check(),
                    None => Ok(()),
                }
            }
        }

        recurrent_layer!($name, ndim: $ndim, cell: ConvLSTMCell(filters, kernel_size) as "conv_lstm_cell" {
            strides, padding, data_format, dilation_rate, activation, recurrent_activation, use_bias, unit_forget_bias,
            kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint,
            dropout, recurrent_dropout, seed,
        });
    };
}
