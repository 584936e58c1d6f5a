//! Collects errors, so that the compiler shows all of them at once.

use proc_macro2::TokenStream;
use quote::ToTokens;

/// The collected errors; [`Ctxt::check`] must be called before it is dropped.
pub struct Ctxt {
    /// The errors; `None` after [`Ctxt::check`].
    errors: Option<Vec<syn::Error>>,
}

impl Ctxt {
    /// Creates a context without errors.
    pub fn new() -> Self {
        Self { errors: Some(Vec::new()) }
    }

    /// Adds an error at the tokens' span.
    pub fn error(&mut self, tokens: impl ToTokens, message: impl std::fmt::Display) {
        self.syn_error(syn::Error::new_spanned(tokens, message));
    }

    /// Adds an error of syn.
    pub fn syn_error(&mut self, error: syn::Error) {
        self.errors.get_or_insert_default().push(error);
    }

    /// Returns all errors as `compile_error!`, if there are any.
    pub fn check(mut self) -> Result<(), TokenStream> {
        match self.errors.take().unwrap_or_default() {
            errors if errors.is_empty() => Ok(()),
            errors => Err(errors.iter().map(syn::Error::to_compile_error).collect()),
        }
    }
}

/// Panics if the errors were never checked; they would be lost silently.
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
