//! Where clauses, const generics, defaults of parameters, several bounds.
use keras_serial::prelude::*;
#[derive(KerasSerializable)]
#[keras(new, setters)]
pub struct Own<T = f64, const N: usize = 2>
where
    T: ConfigField + Clone + Send + Sync + Default + 'static,
{
    base: LayerBase,
    value: Vec<T>,
    #[keras(default)]
    more: T,
    fixed: [i64; N],
}
impl<T: ConfigField + Clone + Send + Sync + Default + 'static, const N: usize> Layer for Own<T, N> {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(inputs.tensor()?.clone().into())
    }
}
keras_serial::register_type!(Own<f64, 2>, package = "Where");
pub(super) fn main() {
    let own: Own = Own::new(vec![1.0], [1, 2]).more(2.0);
    let layer = own.shared();
    println!("{:?}", layer.get_config().unwrap());
}
