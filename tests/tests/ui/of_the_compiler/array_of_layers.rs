use keras_serial::prelude::*;

fn main() -> Result<()> {
    Sequential::new([Input::new([4]), Dense::new(3)])?;
    Ok(())
}
