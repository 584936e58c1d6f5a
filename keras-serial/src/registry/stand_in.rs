//! Stand-ins: objects that were not made, and whose use is an error.

use crate::config::{Config, HasBase, KerasSerializable, Placeholder};
use crate::error::{Error, ErrorKind, Result};

/// Stands in for an object that was not made, with the base that all objects of its kind have; its use is an error.
/// The modules of the kinds implement their traits for it.
pub(crate) struct StandIn<B = ()> {
    base: B,
    why: Why,
}

/// Why an object was not made.
enum Why {
    /// A program names an object that does not exist.
    Broken(Error),
    /// A file has an object of a class that is not registered.
    Kept(Placeholder),
}

impl<B: Default> StandIn<B> {
    /// Stands in for an object with an unknown name.
    pub(crate) fn broken(error: Error) -> Self {
        Self { base: B::default(), why: Why::Broken(error) }
    }

    /// Stands in for an object of a class that is not registered.
    pub(crate) fn kept(placeholder: Placeholder) -> Self {
        Self::with_base(B::default(), placeholder)
    }
}

impl<B> StandIn<B> {
    /// Stands in for an object of a class that is not registered, with what its configuration says of its base.
    pub(crate) fn with_base(base: B, placeholder: Placeholder) -> Self {
        Self { base, why: Why::Kept(placeholder) }
    }

    /// Returns the error of every use.
    pub(crate) fn error(&self) -> Error {
        match &self.why {
            Why::Broken(error) => error.clone(),
            Why::Kept(placeholder) => placeholder.error(),
        }
    }
}

impl<B: Send + Sync + 'static> HasBase<B> for StandIn<B> {
    fn base(&self) -> &B {
        &self.base
    }

    fn base_mut(&mut self) -> &mut B {
        &mut self.base
    }

    fn is_model(&self) -> bool {
        // Models alone are serialized with how they are compiled.
        self.placeholder().is_some_and(|placeholder| placeholder.form().get("compile_config").is_some())
    }
}

impl<B: Send + Sync + 'static> KerasSerializable for StandIn<B> {
    fn class(&self) -> &str {
        self.placeholder().map_or("object", Placeholder::class_name)
    }

    fn placeholder(&self) -> Option<&Placeholder> {
        match &self.why {
            Why::Broken(_) => None,
            Why::Kept(placeholder) => Some(placeholder),
        }
    }

    fn get_config(&self) -> Result<Config> {
        match &self.why {
            Why::Broken(error) => Err(error.clone()),
            Why::Kept(placeholder) => Ok(placeholder.config()),
        }
    }

    fn from_config(_: &Config) -> Result<Self> {
        Err(Error::new(ErrorKind::Config, "an object that was never made can't be made again"))
    }

    fn validate(&self) -> Result<()> {
        match &self.why {
            Why::Broken(error) => Err(error.clone()),
            // Its use is the error: a model that holds it can be loaded, and used up to it.
            Why::Kept(_) => Ok(()),
        }
    }
}
