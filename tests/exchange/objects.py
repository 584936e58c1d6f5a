"""The Python side of the custom objects in the examples."""

import importlib.util
import os

import keras

_DATA = os.path.join(os.path.dirname(__file__), "..", "..", "examples", "data")
for _name in ("make", "own_objects"):
    _spec = importlib.util.spec_from_file_location(_name, os.path.join(_DATA, f"{_name}.py"))
    _spec.loader.exec_module(importlib.util.module_from_spec(_spec))


@keras.saving.register_keras_serializable(package="OwnModels")
class Residual(keras.Model):
    def __init__(self, width, classes=2, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.classes = classes
        self.project = keras.layers.Dense(width, activation="relu")
        self.residual = keras.layers.Dense(width, activation="relu")
        self.head = keras.layers.Dense(classes, activation="softmax")

    def call(self, inputs):
        x = self.project(inputs)
        return self.head(x + self.residual(x))

    def get_config(self):
        return {**super().get_config(), "width": self.width, "classes": self.classes}


@keras.saving.register_keras_serializable(package="ComplexModels")
class CustomModel(keras.layers.Layer):
    def __init__(self, first_layer, second_layer=None, **kwargs):
        super().__init__(**kwargs)
        self.first_layer = first_layer
        self.second_layer = second_layer if second_layer is not None else keras.layers.Dense(8, activation="relu")

    def get_config(self):
        return {**super().get_config(), "first_layer": self.first_layer, "second_layer": self.second_layer}

    @classmethod
    def from_config(cls, config):
        for key in ("first_layer", "second_layer"):
            config[key] = keras.saving.deserialize_keras_object(config[key])
        return cls(**config)

    def call(self, inputs):
        return self.second_layer(self.first_layer(inputs))
