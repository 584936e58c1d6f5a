//! The ONNX form of pooling.

use super::call::Call;
use super::graph::{Attribute, Value};
use crate::error::Result;
use crate::program::primitives::{Pool, Pooling};

/// Adds the pooling of windows with channels first.
pub(super) fn onnx(pool: &Pool, call: &mut Call) -> Result<Value> {
    let [x] = call.numbers()?;
    let name = match pool.pooling {
        Pooling::Max => "MaxPool",
        Pooling::Average => "AveragePool",
    };
    let ints = |numbers: [usize; 2]| Attribute::Ints(numbers.map(|number| number as i64).to_vec());
    let attributes = vec![("kernel_shape", ints(pool.size)), ("strides", ints(pool.strides))];
    let value = call.operator(name, &[x], attributes)?;
    call.rounded(value)
}
