//! A callback made of closures.

use super::{Callback, CallbackContext, Logs};
use crate::error::Result;

macro_rules! lambda_callback {
    ($($name:ident($($number:ident)?);)*) => {
        /// A callback that calls closures.
        ///
        /// Each method has the name of a method of [`Callback`]; the closure takes the same arguments.
        ///
        /// Follows <https://keras.io/api/callbacks/lambda_callback>.
        ///
        /// ```
        /// use keras_serial::prelude::*;
        /// use keras_serial::training::callbacks::{Callback, CallbackContext, CallbackParams, LambdaCallback, Logs};
        /// let model = Model::from(Sequential::new([Input::new([2]).layer(), Dense::new(1).into()])?);
        /// let cx = CallbackContext::new(&model, CallbackParams::default());
        /// let mut losses = Vec::new();
        /// let mut callback = LambdaCallback::new().on_epoch_end(|epoch, logs, _| {
        ///     losses.push((epoch, logs.get("loss").copied()));
        ///     Ok(())
        /// });
        /// Callback::on_epoch_end(&mut callback, 0, &mut Logs::from([("loss".to_owned(), 0.5)]), &cx)?;
        /// drop(callback);
        /// assert_eq!(losses, [(0, Some(0.5))]);
        /// # Ok::<(), keras_serial::Error>(())
        /// ```
        #[derive(Default)]
        pub struct LambdaCallback<'a> {
            $($name: Option<Box<dyn FnMut($(lambda_callback!(@ $number),)? &mut Logs, &CallbackContext<'_>) -> Result<()> + 'a>>,)*
        }

        impl<'a> LambdaCallback<'a> {
            /// Creates a callback without closures.
            pub fn new() -> Self {
                Self::default()
            }

            $(
                #[doc = concat!("Sets what [`Callback::", stringify!($name), "`] does.")]
                #[must_use]
                pub fn $name(
                    mut self,
                    call: impl FnMut($(lambda_callback!(@ $number),)? &mut Logs, &CallbackContext<'_>) -> Result<()> + 'a,
                ) -> Self {
                    self.$name = Some(Box::new(call));
                    self
                }
            )*
        }

        impl Callback for LambdaCallback<'_> {
            $(
                fn $name(&mut self, $($number: usize,)? logs: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
                    self.$name.as_mut().map_or(Ok(()), |call| call($($number,)? logs, cx))
                }
            )*
        }

        impl std::fmt::Debug for LambdaCallback<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let given = [$((stringify!($name), self.$name.is_some()),)*];
                f.debug_set().entries(given.iter().filter(|(_, given)| *given).map(|(name, _)| name)).finish()
            }
        }
    };
    (@ $number:ident) => { usize };
}

lambda_callback! {
    on_epoch_begin(epoch);
    on_epoch_end(epoch);
    on_train_begin();
    on_train_end();
    on_train_batch_begin(batch);
    on_train_batch_end(batch);
    on_test_begin();
    on_test_end();
    on_test_batch_begin(batch);
    on_test_batch_end(batch);
    on_predict_begin();
    on_predict_end();
    on_predict_batch_begin(batch);
    on_predict_batch_end(batch);
}
