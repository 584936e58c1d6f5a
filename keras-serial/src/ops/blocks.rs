//! Depth to space and back: channels as positions within blocks (`keras.ops.depth_to_space`,
//! `space_to_depth`).

use super::conv::DataFormat;
use super::define::{Call, classes};
use super::shape::{reshape_to, transpose_to};
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::Tensor;

classes! { "keras.src.ops.nn"
    "DepthToSpace" = |c| {
        let (x, block, format) = blocks(c)?;
        blocked(&x, block, format, true)
    };
    "SpaceToDepth" = |c| {
        let (x, block, format) = blocks(c)?;
        blocked(&x, block, format, false)
    };
}

fn blocks(c: &Call<'_>) -> Result<(Tensor, usize, DataFormat)> {
    Ok((c.x()?, c.required("block_size")?, c.maybe("data_format")?.unwrap_or_default()))
}

/// Moves channels to positions within blocks, or back.
fn blocked(x: &Tensor, block: usize, format: DataFormat, to_space: bool) -> Result<Tensor> {
    let dims = x.shape().dims().to_vec();
    let [n, a, b, c] = dims.as_slice() else {
        return Err(Error::new(ErrorKind::Shape, "wrong rank")
            .expected("4 axes")
            .received(format!("shape {}", x.shape())));
    };
    let (h, w, c) = if format == DataFormat::ChannelsLast { (*a, *b, *c) } else { (*b, *c, *a) };
    let area = block * block;
    let fits = |dim: Option<usize>, by: usize| by > 0 && dim.is_none_or(|dim| dim % by == 0);
    let fitting = if to_space { fits(c, area) } else { fits(h, block) && fits(w, block) };
    if !fitting {
        return Err(Error::new(ErrorKind::Shape, "`block_size` does not divide the input")
            .received(format!("block_size={block}, shape {}", x.shape())));
    }
    let (times, over) = (
        |dim: Option<usize>, by: usize| dim.map(|dim| dim * by),
        |dim: Option<usize>, by: usize| dim.map(|dim| dim / by),
    );
    let (height, width, channels) = if to_space {
        (times(h, block), times(w, block), over(c, area))
    } else {
        (over(h, block), over(w, block), times(c, area))
    };
    let last = if format == DataFormat::ChannelsLast { x.clone() } else { transpose_to(x, &[0, 2, 3, 1])? };
    let b = Some(block);
    let (split, order) = if to_space {
        ([*n, h, w, b, b, channels], [0, 1, 3, 2, 4, 5])
    } else {
        ([*n, height, b, width, b, c], [0, 1, 3, 2, 4, 5])
    };
    let y = transpose_to(&reshape_to(&last, &split.into())?, &order)?;
    let y = reshape_to(&y, &[*n, height, width, channels].into())?;
    if format == DataFormat::ChannelsLast { Ok(y) } else { transpose_to(&y, &[0, 3, 1, 2]) }
}
