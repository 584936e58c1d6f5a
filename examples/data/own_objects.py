"""The classes of `examples/src/own_objects.rs` for Keras: its file can be loaded, trained and saved with them.

`python own_objects.py FILE.keras` loads a file that the example wrote and evaluates it.
"""

import sys

import keras
import numpy as np
from keras import ops

register = keras.saving.register_keras_serializable("OwnObjects")


@register
class Ramp(keras.initializers.Initializer):
    def __init__(self, low, high):
        self.low, self.high = low, high

    def __call__(self, shape, dtype=None):
        count = int(np.prod(shape))
        return ops.cast(ops.reshape(ops.linspace(self.low, self.high, count), shape), dtype or "float32")

    def get_config(self):
        return {"low": self.low, "high": self.high}


@register
class Gain(keras.layers.Layer):
    def __init__(self, initializer=None, **kwargs):
        super().__init__(**kwargs)
        self.initializer = keras.initializers.get(initializer or Ramp(0.5, 1.5))

    def build(self, input_shape):
        self.gain = self.add_weight(name="gain", shape=(input_shape[-1],), initializer=self.initializer)

    def call(self, inputs):
        return inputs * self.gain

    def get_config(self):
        return {**super().get_config(), "initializer": keras.initializers.serialize(self.initializer)}


@register
class Quantile(keras.losses.Loss):
    def __init__(self, quantile, **kwargs):
        super().__init__(**kwargs)
        self.quantile = quantile

    def call(self, y_true, y_pred):
        error = y_true - y_pred
        return ops.mean(ops.maximum((self.quantile - 1) * error, self.quantile * error), axis=-1)

    def get_config(self):
        return {**super().get_config(), "quantile": self.quantile}


@register
class LargestError(keras.metrics.Metric):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.largest = self.add_variable((), "zeros", name="largest")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.largest.assign(ops.maximum(self.largest, ops.max(ops.abs(y_true - y_pred))))

    def result(self):
        return self.largest


@register
class InverseRoot(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, initial):
        self.initial = initial

    def __call__(self, step):
        return self.initial / ops.sqrt(ops.cast(step, "float32") + 1)

    def get_config(self):
        return {"initial": self.initial}


@register
class SignSgd(keras.optimizers.Optimizer):
    def __init__(self, learning_rate=0.001, momentum=0.5, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.momentum = momentum

    def build(self, variables):
        if not self.built:
            super().build(variables)
            self.momenta = self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient, variable, learning_rate):
        momentum = self.momenta[self._get_variable_index(variable)]
        self.assign(momentum, momentum * self.momentum + gradient)
        self.assign_sub(variable, ops.sign(momentum) * ops.cast(learning_rate, variable.dtype))

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum}


def data():
    x = np.sin(np.arange(64, dtype="float32") * np.float32(0.37)).reshape(32, 2)
    return x, 2 * x[:, :1] - x[:, 1:]


if __name__ == "__main__":
    model = keras.saving.load_model(sys.argv[1])
    print(model.evaluate(*data(), verbose=0, return_dict=True))
    history = model.fit(*data(), shuffle=False, verbose=0)
    print(history.history, model.optimizer.iterations.numpy())
