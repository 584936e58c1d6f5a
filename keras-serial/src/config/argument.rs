//! Arguments of the constructors and builder methods that the derive makes.
//!
//! The traits are those of the standard library under another name: the compiler shows the texts of a trait of this
//! crate only, and not those of an implementation that is not recommended.

/// What a constructor or a builder method takes as a `T`: whatever converts into it by [`Into`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be given as `{T}`",
    label = "not a value of the argument's type, and nothing that converts into it",
    note = "an object of Keras (an initializer, an activation, …) is given by name, as in `\"relu\"`, or as an object",
    note = "whatever `{T}` has a `From` for is accepted; the items of a list are converted one by one, with `Into::into`"
)]
pub trait Argument<T> {
    /// Converts to the type of the argument.
    fn into_argument(self) -> T;
}

#[diagnostic::do_not_recommend]
impl<T, S: Into<T>> Argument<T> for S {
    fn into_argument(self) -> T {
        self.into()
    }
}

/// How a field starts that is no argument: as [`Default`] says.
#[diagnostic::on_unimplemented(
    message = "there is no value that a field of the type `{Self}` starts with",
    label = "is no argument of `new`, and has no `Default`",
    note = "a layer inside is made from the arguments by `#[keras(sublayer(init = …))]`, or in `build`, if the field is a `Sublayer` or an `OnceLock<LayerRef>`",
    note = "other state implements `Default`, or is an `Option` or a `OnceLock`"
)]
pub trait Start {
    /// Returns the value.
    fn start() -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Default> Start for T {
    fn start() -> Self {
        Self::default()
    }
}
