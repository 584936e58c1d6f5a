"""Makes `custom_objects.keras` and what real Keras predicts with it: python make.py (Keras 3.15.1)."""

import json

import keras
import numpy as np


@keras.saving.register_keras_serializable(package="my_package", name="custom_fn")
def custom_fn(x):
    return x**2


@keras.saving.register_keras_serializable(package="MyLayers", name="KernelMult")
class MyDense(keras.layers.Layer):
    def __init__(self, units, *, kernel_regularizer=None, kernel_initializer=None, nested_model=None, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.kernel_regularizer = kernel_regularizer
        self.kernel_initializer = kernel_initializer
        self.nested_model = nested_model

    def get_config(self):
        config = super().get_config()
        config.update(
            {
                "units": self.units,
                "kernel_regularizer": self.kernel_regularizer,
                "kernel_initializer": self.kernel_initializer,
                "nested_model": self.nested_model,
            }
        )
        return config

    @classmethod
    def from_config(cls, config):
        for key in ("kernel_regularizer", "kernel_initializer", "nested_model"):
            config[key] = keras.saving.deserialize_keras_object(config[key])
        return cls(**config)

    def build(self, input_shape):
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[-1], self.units),
            regularizer=self.kernel_regularizer,
            initializer=self.kernel_initializer,
        )

    def call(self, inputs):
        return keras.ops.matmul(inputs, self.kernel)


def main():
    keras.utils.set_random_seed(1)
    inputs = keras.Input((8,), name="features")
    x = MyDense(16, kernel_regularizer=keras.regularizers.L2(0.001), kernel_initializer="he_normal")(inputs)
    x = keras.layers.Dense(16, activation=custom_fn)(x)
    x = keras.layers.LayerNormalization()(x)
    x = keras.layers.Dropout(0.5)(x)
    outputs = keras.layers.Dense(3, activation="softmax", name="classes")(x)
    model = keras.Model(inputs, outputs, name="custom_objects")
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 8)).astype("float32")
    model.fit(x, rng.integers(0, 3, 64), epochs=2, verbose=0)
    model.save("custom_objects.keras")
    x = x[:5]
    expected = {"inputs": x.tolist(), "outputs": model.predict(x, verbose=0).tolist()}
    with open("custom_objects.json", "w") as file:
        json.dump(expected, file)


if __name__ == "__main__":
    main()
