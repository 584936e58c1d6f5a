//! Collects errors, so that a user sees all of them at once.

use proc_macro2::TokenStream;
use quote::ToTokens;

/// The errors so far; it must be asked for them by [`Ctxt::check`].
pub struct Ctxt {
    /// `None` once it was asked.
    errors: Option<Vec<syn::Error>>,
}

impl Ctxt {
    /// Begins without errors.
    pub fn new() -> Self {
        Self { errors: Some(Vec::new()) }
    }

    /// Adds an error at the tokens' place.
    pub fn error(&mut self, tokens: impl ToTokens, message: impl std::fmt::Display) {
        self.syn_error(syn::Error::new_spanned(tokens, message));
    }

    /// Adds the parser's own error.
    pub fn syn_error(&mut self, error: syn::Error) {
        self.errors.get_or_insert_default().push(error);
    }

    /// All errors as `compile_error!`, if there are any.
    pub fn check(mut self) -> Result<(), TokenStream> {
        match self.errors.take().unwrap_or_default() {
            errors if errors.is_empty() => Ok(()),
            errors => Err(errors.iter().map(syn::Error::to_compile_error).collect()),
        }
    }
}

/// Errors that nobody asks for would be lost in silence.
impl Drop for Ctxt {
    fn drop(&mut self) {
        if self.errors.is_some() && !std::thread::panicking() {
            #[allow(clippy::panic, reason = "a fault of this crate, which must not pass")]
            {
                panic!("the errors of a macro's input were not looked at");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "not looked at")]
    fn errors_can_not_be_forgotten() {
        drop(Ctxt::new());
    }

    #[test]
    fn all_errors_are_reported() {
        let mut cx = Ctxt::new();
        cx.error(quote::quote!(a), "first");
        cx.error(quote::quote!(b), "second");
        let text = cx.check().map_err(|tokens| tokens.to_string()).unwrap_err();
        assert!(text.contains("first") && text.contains("second"));
    }
}
