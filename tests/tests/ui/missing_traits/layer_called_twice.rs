//! `apply` takes a layer that is not shared.
use keras_serial::prelude::*;

fn main() -> Result<()> {
    let x = Input::new([2]).tensor()?;
    let dense = Dense::new(2);
    dense.apply(&x)?;
    dense.apply(&x)?;
    Ok(())
}
