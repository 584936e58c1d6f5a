//! Rewrites: programs to programs with the same outputs and fewer nodes. One file each.

mod dead;
mod orders;
mod shapes;
mod shared;

use std::sync::Arc;

use super::primitive::{Primitive, Spec};
use super::program::{Node, Operand, Program, primitive};
use crate::error::{Error, ErrorKind, Result};

impl Program {
    /// Returns a program with the same outputs: transposes behind element-wise functions, so that they meet and
    /// cancel; no reshapes that later ones undo; common nodes computed once; and no node that nothing needs.
    ///
    /// # Errors
    /// If a node's shape can't be inferred, which is an error of the program.
    pub fn simplified(&self) -> Result<Self> {
        let mut program = dead::rewrite(self);
        loop {
            let rewritten = shapes::rewrite(&program)?;
            let rewritten = orders::rewrite(&rewritten)?;
            let rewritten = shared::rewrite(&rewritten)?;
            let rewritten = dead::rewrite(&rewritten);
            // What one rewrite removes can let another one do more.
            if rewritten.nodes().len() >= program.nodes().len() {
                return Ok(rewritten);
            }
            program = rewritten;
        }
    }
}

/// Rebuilds a program node by node.
struct Rewriter<'a> {
    program: &'a Program,
    nodes: Vec<Node>,
    /// What stands for the results of the old nodes.
    places: Vec<Operand>,
}

impl<'a> Rewriter<'a> {
    /// Rebuilds a program: the function adds what a node becomes, whose operands are those of the new program, and
    /// returns what stands for its result.
    fn run(program: &'a Program, mut rewrite: impl FnMut(&mut Self, Node) -> Result<Operand>) -> Result<Program> {
        let mut this = Self { program, nodes: Vec::new(), places: Vec::new() };
        for node in program.nodes() {
            let operands = node.operands.iter().map(|operand| this.place(*operand)).collect::<Result<_>>()?;
            let place = rewrite(&mut this, Node { operands, ..node.clone() })?;
            this.places.push(place);
        }
        let outputs = program.outputs().try_map(&mut |output| this.place(*output))?;
        Ok(program.with_nodes(this.nodes, outputs))
    }

    fn place(&self, operand: Operand) -> Result<Operand> {
        match operand {
            Operand::Node(position) => self
                .places
                .get(position)
                .copied()
                .ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "an operand stands after its use")),
            other => Ok(other),
        }
    }

    /// Adds a node as it is.
    fn keep(&mut self, node: Node) -> Operand {
        self.nodes.push(node);
        Operand::Node(self.nodes.len() - 1)
    }

    /// Adds a primitive, in the place of a node of this layer.
    fn add(&mut self, primitive: Arc<dyn Primitive>, operands: Vec<Operand>, layer: &Arc<str>) -> Result<Operand> {
        let specs = operands.iter().map(|operand| self.spec(*operand)).collect::<Result<Vec<_>>>()?;
        let spec = primitive.infer(&specs)?;
        Ok(self.keep(Node { primitive, operands, spec, layer: layer.clone() }))
    }

    /// Returns shape and dtype of a value of the new program.
    fn spec(&self, operand: Operand) -> Result<Spec> {
        let spec = match operand {
            Operand::Node(position) => self.nodes.get(position).map(|node| node.spec.clone()),
            other => self.program.spec(other),
        };
        spec.ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "an operand stands after its use"))
    }

    /// Returns the operand of a node of the new program with one operand, and the primitive, if it is of this type.
    fn made_by<T: Primitive>(&self, operand: Operand) -> Option<(Operand, &T)> {
        let Operand::Node(position) = operand else { return None };
        let node = self.nodes.get(position)?;
        let &[inner] = node.operands.as_slice() else { return None };
        Some((inner, primitive(node)?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::program::apply;
    use crate::program::primitives::{Binary, Concat, Reduce, Reduction, Reshape, Transpose, Unary};
    use crate::tensor::{Nested, Tensor};

    /// Applies the functions that the numbers stand for to a value and those before it.
    fn computed(kinds: &[u8], inputs: &[Tensor]) -> Result<Nested<Tensor>> {
        let mut values = inputs.to_vec();
        for kind in kinds {
            let last = values.last().cloned().unwrap();
            let rank = last.rank();
            let number = Tensor::scalar(0.5f32)?;
            let other = values.iter().rev().skip(1).find(|other| other.shape() == last.shape());
            let orders: [&[usize]; 2] = if rank == 3 { [&[1, 0, 2], &[2, 0, 1]] } else { [&[1, 0], &[1, 0]] };
            let extents = last.shape().known()?;
            let next = match kind {
                0 => apply(Transpose(orders[0].to_vec()), &[&last])?,
                1 => apply(Transpose(orders[1].to_vec()), &[&last])?,
                2 => apply(Unary::Tanh, &[&last])?,
                3 => apply(Unary::Relu, &[&last])?,
                4 => apply(Binary::Mul, &[&last, &number])?,
                5 => apply(Binary::Sub, &[&number, &last])?,
                6 => apply(Binary::Add, &[&last, other.unwrap_or(&last)])?,
                7 => apply(Concat(0), &[&last, other.unwrap_or(&last)])?,
                8 => {
                    let count = extents.iter().product::<usize>();
                    let columns = if count.is_multiple_of(2) { 2 } else { 1 };
                    apply(Reshape(vec![count / columns, columns].into()), &[&last])?
                }
                9 => apply(Reshape(extents.into()), &[&last])?,
                10 => apply(Reduce { by: Reduction::Mean, axis: 0 }, &[&last])?,
                11 => {
                    let row = (0..extents[rank - 1]).map(|i| i as f32).collect::<Vec<_>>();
                    let mut shape = vec![1; rank];
                    shape[rank - 1] = row.len();
                    apply(Binary::Add, &[&last, &Tensor::from_vec(row, shape)?])?
                }
                _ => values[0].clone(),
            };
            if next.shape().num_elements().unwrap() < 300 {
                values.push(next);
            }
        }
        Ok(Nested::list(values.into_iter().rev().take(3)))
    }

    proptest! {
        #[test]
        fn rewritten_programs_have_the_same_outputs(kinds in prop::collection::vec(0u8..13, 1..14)) {
            let spec = Spec { shape: [2, 4, 3].into(), dtype: crate::tensor::DType::Float32 };
            let x = Tensor::from_vec((0..24).map(|x| x as f32 / 7.0 - 1.5).collect::<Vec<_>>(), [2, 4, 3]).unwrap();
            let program = Program::trace(&[spec], |inputs| computed(&kinds, inputs)).unwrap();
            let simple = program.simplified().unwrap();
            let values = |program: &Program| -> Vec<(Vec<usize>, Vec<f32>)> {
                let outputs = program.eval(std::slice::from_ref(&x)).unwrap();
                let values = |y: &&Tensor| (y.shape().known().unwrap(), y.to_vec().unwrap());
                outputs.leaves().iter().map(values).collect()
            };
            for ((shape, found), (expected_shape, expected)) in values(&simple).into_iter().zip(values(&program)) {
                prop_assert_eq!(shape, expected_shape, "{}\n{}", &program, &simple);
                // The engine's functions may round otherwise where elements lie in another order.
                let is_close = found.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= 1e-5 * (1.0 + b.abs()));
                prop_assert!(is_close, "{}\n{}", &program, &simple);
            }
            // What is simple stays as it is.
            prop_assert!(simple.simplified().unwrap().nodes().len() >= simple.nodes().len(), "{}", &simple);
        }
    }

    #[test]
    fn transposes_between_element_wise_functions_cancel() {
        let spec = Spec { shape: [2, 4, 3].into(), dtype: crate::tensor::DType::Float32 };
        let bias = Tensor::from_slice(&[1.0f32, 2.0, 3.0], [3, 1, 1]).unwrap();
        let program = Program::trace(&[spec], |inputs| {
            let first = apply(Transpose(vec![2, 0, 1]), &[&inputs[0]])?;
            let biased = apply(Binary::Add, &[&first, &bias])?;
            let joined = apply(Concat(1), &[&biased, &first])?;
            let flat = apply(Reshape([3, 16].into()), &[&apply(Transpose(vec![0, 2, 1]), &[&joined])?])?;
            Ok(Nested::list([apply(Transpose(vec![1, 2, 0]), &[&joined])?, apply(Reshape([48].into()), &[&flat])?]))
        });
        let simple = program.unwrap().simplified().unwrap();
        let text = simple.to_string();
        assert!(text.contains("= add(x0, ") && text.contains("= concat[axis=0](") && text.contains("axes=[1, 2, 0]"));
        assert_eq!(text.matches("= reshape").count(), 1, "{text}");
        // One of the bias, one before the reshape.
        assert_eq!(text.matches("= transpose").count(), 2, "{text}");
    }
}
