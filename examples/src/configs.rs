//! Configurations of layers and models equal Keras's, key for key and in order.

use keras_serial::prelude::*;

/// Runs the example.
pub fn main() -> Result<()> {
    let layer = Dense::new(3).activation("relu").name("dense");
    let config = layer.get_config()?;
    println!("{}", keras_serial::json::Value::Dict(config.clone()).to_json());
    let keys: Vec<&str> = config.keys().map(String::as_str).take(5).collect();
    assert_eq!(keys, ["name", "trainable", "dtype", "units", "activation"]);

    let again = Dense::from_config(&config)?;
    assert_eq!(again.get_config()?, config);

    let model = Sequential::new([Input::new([2]).layer(), again.shared()])?;
    let config = model.get_config()?;
    let copy = Model::from(Sequential::from_config(&config)?);
    assert_eq!(copy.get_config()?, config);
    assert_eq!(copy.count_params()?, 9);
    Ok(())
}
