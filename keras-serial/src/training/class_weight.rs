//! The argument `class_weight` of `fit`.

use std::collections::BTreeMap;

/// The weights of samples by class; other classes have weight 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassWeight(pub(super) BTreeMap<i64, f64>);

impl<I: IntoIterator<Item = (i64, f64)>> From<I> for ClassWeight {
    fn from(weights: I) -> Self {
        Self(weights.into_iter().collect())
    }
}
