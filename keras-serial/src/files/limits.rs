//! Limits on how much memory and time a file may ask for.

use crate::error::{Error, ErrorKind, Result, did_you_mean};

macro_rules! limits {
    ($($field:ident $with:ident: $type:ty = $default:expr, $doc:literal;)*) => {
        /// Limits that the readers enforce; going over one is an [`ErrorKind::Limit`] error.
        ///
        /// The defaults accept every sound model that Keras writes, and refuse files made to exhaust
        /// memory or time. Raise one if a model needs it:
        ///
        /// ```
        /// use keras_serial::files::Limits;
        /// let limits = Limits::default().with_max_config_bytes(512 << 20);
        /// assert_eq!(limits.max_config_bytes, 512 << 20);
        /// ```
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Limits {
            $(#[doc = $doc] pub $field: $type,)*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl Limits {
            $(
                #[doc = concat!("Sets `", stringify!($field), "`: ", $doc)]
                #[must_use]
                pub fn $with(mut self, value: $type) -> Self {
                    self.$field = value;
                    self
                }
            )*

            /// The names of all limits.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($field)),*];

            /// Sets the limit of this name, as a user of a program gives it.
            ///
            /// # Errors
            /// [`ErrorKind::InvalidArgument`], with the known names, if no limit has this name.
            pub fn set(&mut self, name: &str, value: u64) -> Result<()> {
                match name {
                    $(stringify!($field) => self.$field = <$type>::try_from(value).unwrap_or(<$type>::MAX),)*
                    _ => return Err(no_limit(name)),
                }
                Ok(())
            }
        }
    };
}

limits! {
    max_members with_max_members: usize = 65_536, "Members of a zip archive.";
    max_member_bytes with_max_member_bytes: u64 = 1 << 40, "Bytes of one member, unpacked.";
    max_total_bytes with_max_total_bytes: u64 = 1 << 40, "Bytes of all members, or of all datasets, together, unpacked.";
    max_ratio with_max_ratio: u64 = 200, "How many times larger than stored something may become when it is unpacked, once it passes `ratio_floor`.";
    ratio_floor with_ratio_floor: u64 = 16 << 20, "Bytes up to which `max_ratio` is not asked.";
    max_path_bytes with_max_path_bytes: usize = 4096, "Bytes of the path of a member, group or dataset.";
    max_config_bytes with_max_config_bytes: u64 = 64 << 20, "Bytes of a JSON text.";
    max_config_items with_max_config_items: usize = 1 << 21, "Values in a JSON text; each takes some 80 bytes of memory, whatever it takes in the text.";
    max_json_depth with_max_json_depth: usize = 256, "How deep lists and dicts of a JSON text may nest.";
    max_nesting with_max_nesting: usize = crate::registry::MAX_NESTING, "How many objects (layers, models) may stand in one another.";
    max_groups with_max_groups: usize = 200_000, "Groups of an HDF5 file.";
    max_datasets with_max_datasets: usize = 1_000_000, "Datasets of an HDF5 file.";
    max_attributes_bytes with_max_attributes_bytes: u64 = 256 << 20, "Bytes of all attributes of an HDF5 file.";
    max_depth with_max_depth: usize = 128, "How deep HDF5 groups may nest.";
    max_dataset_bytes with_max_dataset_bytes: u64 = 1 << 38, "Bytes of one dataset, unpacked.";
}

fn no_limit(name: &str) -> Error {
    let error = Error::new(ErrorKind::InvalidArgument, format!("no limit has the name `{name}`"));
    let error = error.expected(format!("one of {}", Limits::NAMES.join(", ")));
    match did_you_mean(name, Limits::NAMES.iter().copied()) {
        Some(near) => error.hint(near),
        None => error,
    }
}

impl Limits {
    /// Checks that `actual` is within `limit`.
    pub(crate) fn check(what: &'static str, actual: u64, limit: u64) -> Result<()> {
        if actual <= limit {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Limit, format!("too much: {what}"))
            .expected(format!("at most {limit}"))
            .received(actual.to_string())
            .hint("if the file is to be trusted, raise the limit in `Limits`, or by `--limit` at the command line"))
    }

    /// Checks that `stored` bytes may unpack to `unpacked` bytes.
    pub(crate) fn check_ratio(&self, what: &'static str, unpacked: u64, stored: u64) -> Result<()> {
        Self::check(what, unpacked, stored.saturating_mul(self.max_ratio).max(self.ratio_floor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_set_by_their_names() {
        let mut limits = Limits::default();
        limits.set("max_ratio", 7).unwrap();
        assert_eq!(limits, Limits::default().with_max_ratio(7));
        let error = limits.set("max_ration", 7).unwrap_err().to_string();
        assert!(error.contains("did you mean `max_ratio`?"), "{error}");
    }

    #[test]
    fn ratio_is_asked_above_the_floor_only() {
        let limits = Limits::default().with_max_ratio(10).with_ratio_floor(1000);
        assert!(limits.check_ratio("bytes", 1000, 1).is_ok());
        assert!(limits.check_ratio("bytes", 2000, 200).is_ok());
        let error = limits.check_ratio("bytes", 2001, 200).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit);
        assert!(error.to_string().contains("at most 2000"), "{error}");
        assert!(limits.check_ratio("bytes", u64::MAX, u64::MAX).is_ok());
    }
}
