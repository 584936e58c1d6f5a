//! Writes a model's architecture as JSON, without its weights.

use keras_serial::prelude::*;

/// Runs the example.
pub fn main() -> Result<()> {
    let inputs = Input::new([3]).name("inputs").tensor()?;
    let hidden = Dense::new(4).activation("tanh").apply(&inputs)?;
    let model = Functional::named("reader", inputs, Dense::new(1).apply(&hidden)?)?;

    let json = model.to_json()?;
    println!("{json}");
    let copy = model_from_json(&json, &CustomObjects::new())?;
    assert_eq!(copy.to_json()?, json);
    Ok(())
}
