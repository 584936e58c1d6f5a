//! Bounding boxes: formats, conversion and clipping.

use crate::KerasEnum;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::{self, Axes};
use crate::tensor::{DType, Tensor};

/// The format of a bounding box: what its four numbers mean.
#[derive(KerasEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoundingBoxFormat {
    /// Left, top, right, bottom.
    Xyxy,
    /// Top, left, bottom, right.
    Yxyx,
    /// Left, top, width, height.
    Xywh,
    /// Center, width, height.
    CenterXywh,
    /// Center, height, width.
    CenterYxhw,
    /// `Xyxy`, relative to the image size.
    RelXyxy,
    /// `Yxyx`, relative to the image size.
    RelYxyx,
    /// `Xywh`, relative to the image size.
    RelXywh,
    /// `CenterXywh`, relative to the image size.
    RelCenterXywh,
}

/// The height and width of an image.
pub type Size = [usize; 2];

impl BoundingBoxFormat {
    fn is_relative(self) -> bool {
        matches!(self, Self::RelXyxy | Self::RelYxyx | Self::RelXywh | Self::RelCenterXywh)
    }

    /// Converts boxes of this format to left, top, right, bottom in pixels.
    pub fn to_xyxy(self, boxes: &Tensor, size: Size) -> Result<Tensor> {
        let [a, b, c, d] = columns(boxes)?;
        let half = |x: &Tensor| ops::multiply(x, 0.5);
        let corners = match self {
            Self::Xyxy | Self::RelXyxy => [a, b, c, d],
            Self::Yxyx | Self::RelYxyx => [b, a, d, c],
            Self::Xywh | Self::RelXywh => {
                let (right, bottom) = (ops::add(&a, &c)?, ops::add(&b, &d)?);
                [a, b, right, bottom]
            }
            Self::CenterXywh | Self::RelCenterXywh => centered(&a, &b, &half(&c)?, &half(&d)?)?,
            Self::CenterYxhw => centered(&b, &a, &half(&d)?, &half(&c)?)?,
        };
        let boxes = ops::concatenate(&corners, -1)?;
        if self.is_relative() { ops::multiply(&boxes, extents(size, boxes.dtype())?) } else { Ok(boxes) }
    }

    /// Converts boxes from left, top, right, bottom in pixels to this format.
    pub fn of_xyxy(self, boxes: &Tensor, size: Size) -> Result<Tensor> {
        let boxes = if self.is_relative() { ops::divide(boxes, extents(size, boxes.dtype())?)? } else { boxes.clone() };
        let [left, top, right, bottom] = columns(&boxes)?;
        let middle = |a: &Tensor, b: &Tensor| ops::multiply(ops::add(a, b)?, 0.5);
        let (width, height) = (ops::subtract(&right, &left)?, ops::subtract(&bottom, &top)?);
        let numbers = match self {
            Self::Xyxy | Self::RelXyxy => [left, top, right, bottom],
            Self::Yxyx | Self::RelYxyx => [top, left, bottom, right],
            Self::Xywh | Self::RelXywh => [left, top, width, height],
            Self::CenterXywh | Self::RelCenterXywh => [middle(&left, &right)?, middle(&top, &bottom)?, width, height],
            Self::CenterYxhw => [middle(&top, &bottom)?, middle(&left, &right)?, height, width],
        };
        ops::concatenate(&numbers, -1)
    }
}

fn centered(x: &Tensor, y: &Tensor, half_width: &Tensor, half_height: &Tensor) -> Result<[Tensor; 4]> {
    Ok([
        ops::subtract(x, half_width)?,
        ops::subtract(y, half_height)?,
        ops::add(x, half_width)?,
        ops::add(y, half_height)?,
    ])
}

fn extents([height, width]: Size, dtype: DType) -> Result<Tensor> {
    let (height, width) = (height as f32, width as f32);
    ops::cast_to(&Tensor::from_slice(&[width, height, width, height], [4])?, dtype)
}

/// Splits boxes into their four numbers, each with a last axis of extent 1.
pub(crate) fn columns(boxes: &Tensor) -> Result<[Tensor; 4]> {
    <[Tensor; 4]>::try_from(ops::split(boxes, 4, -1)?).map_err(|_| {
        Error::new(ErrorKind::Shape, "bounding boxes need a last extent of 4")
            .received(format!("shape {}", boxes.shape()))
    })
}

/// Clips boxes to the image; boxes of which nothing is left get the label -1.
pub(crate) fn clip_to_image(
    boxes: &Tensor,
    labels: Option<&Tensor>,
    [height, width]: Size,
) -> Result<(Tensor, Option<Tensor>)> {
    let [left, top, right, bottom] = columns(boxes)?;
    let (height, width) = (height as f64, width as f64);
    let across = |x: &Tensor| ops::clip(x, 0.0, width);
    let down = |y: &Tensor| ops::clip(y, 0.0, height);
    let corners = [across(&left)?, down(&top)?, across(&right)?, down(&bottom)?];
    let [left, top, right, bottom] = &corners;
    let area = ops::multiply(ops::subtract(right, left)?, ops::subtract(bottom, top)?)?;
    let kept = ops::squeeze(&ops::greater(&area, 0)?, Axes::from(-1))?;
    let labels = labels.map(|labels| ops::where_(&kept, labels, -1)).transpose()?;
    Ok((ops::concatenate(&corners, -1)?, labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_go_there_and_back() {
        let boxes = Tensor::from_slice(&[1.0f32, 2.0, 5.0, 4.0], [1, 1, 4]).unwrap();
        use BoundingBoxFormat::*;
        for format in [Xyxy, Yxyx, Xywh, CenterXywh, CenterYxhw, RelXyxy, RelYxyx, RelXywh, RelCenterXywh] {
            let there = format.of_xyxy(&boxes, [8, 10]).unwrap();
            let back = format.to_xyxy(&there, [8, 10]).unwrap().to_vec::<f32>().unwrap();
            assert!(back.iter().zip([1.0, 2.0, 5.0, 4.0]).all(|(a, b)| (a - b).abs() < 1e-5), "{format:?}");
        }
        let relative = RelYxyx.of_xyxy(&boxes, [8, 10]).unwrap().to_vec::<f32>().unwrap();
        assert_eq!(relative, [0.25, 0.1, 0.5, 0.5]);
    }
}
