//! Parts of configurations by their paths: reading, checked edits, and differences as patches.

use keras_serial::json::{Access, Patch};
use keras_serial::prelude::*;
use keras_serial::registry;

/// Runs the example.
pub fn main() -> Result<()> {
    let input = Input::new([4]).name("in").tensor()?;
    let hidden = Dense::new(3).activation("relu").name("hidden").apply(&input)?;
    let model = Functional::new(input, Dense::new(2).name("out").apply(&hidden)?)?;

    // Reading: by position, by a layer's name, or all that match.
    let config = model.get_config()?;
    assert_eq!(config.at("layers[1].config.units")?, &3.into());
    assert_eq!(config.at("layers[hidden].config.activation")?, &"relu".into());
    for (path, units) in config.select("layers[*].config.units")? {
        println!("{path} = {}", units.to_json());
    }

    // An edit is checked by the class, and refused whole.
    let before = model.serialize()?;
    let mut form = before.clone();
    registry::set(&mut form, "config.layers[hidden].config.activation", "tanh")?;
    println!("{}", registry::set(&mut form, "config.layers[hidden].config.units", -3).unwrap_err());

    // A live object is replaced by one like it.
    let faster = registry::replace(&Optimizer::from("sgd"), "config.learning_rate", 0.1)?;
    println!("learning rate {}", faster.get_config()?["learning_rate"].to_json());

    // The difference of two models is a patch: text to read, JSON to keep, applied or reversed.
    let patch = Patch::between(&before, &form);
    print!("{patch}");
    assert_eq!(patch.to_string(), "~ config/layers[hidden]/config/activation: \"relu\" → \"tanh\"\n");
    assert_eq!(patch.apply(&before)?, form);
    assert_eq!(patch.reversed().apply(&form)?, before);
    Ok(())
}
