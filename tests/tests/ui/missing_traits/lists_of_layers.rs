use keras_serial::prelude::*;

fn main() -> Result<()> {
    Sequential::new(vec![Dense::new(4), Dense::new(3)])?;
    Sequential::new(Dense::new(4))?;
    Ok(())
}
