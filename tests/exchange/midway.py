"""Training that changes hands: midway.py FOLDER, as `run` calls it.

Keras trains each model for two epochs and saves it as FOLDER/midway_<name>/begun.keras. Rust goes on
with it for two more (`model.keras`, `history.json`), then Keras for the last two (`check`, which
`check.py` calls): all six must be those of one run in Keras, kept as `whole.keras` and `whole.json`.
"""

import json
import os
import sys

import keras
import numpy as np
from keras import layers
from safetensors.numpy import load_file, save_file

FIT = {"batch_size": 8, "epochs": 2, "shuffle": False, "verbose": 0}
TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}


def mlp():
    return keras.Sequential([keras.Input((6,)), layers.Dense(8, "relu"), layers.Dense(3, "softmax")])


def convolutions():
    return keras.Sequential([
        keras.Input((8, 8, 2)), layers.Conv2D(4, 3, use_bias=False), layers.BatchNormalization(), layers.ReLU(),
        layers.MaxPooling2D(), layers.GlobalAveragePooling2D(), layers.Dense(3, "softmax"),
    ])  # fmt: skip


def lstm():
    return keras.Sequential([
        keras.Input((7,), dtype="int32"), layers.Embedding(20, 6, mask_zero=True), layers.LSTM(5),
        layers.Dense(3, "softmax"),
    ])  # fmt: skip


def transformer():
    tokens = keras.Input((7,), dtype="int32")
    x = layers.Embedding(20, 8)(tokens)
    x = layers.LayerNormalization()(layers.Add()([x, layers.MultiHeadAttention(2, 4)(x, x)]))
    x = layers.LayerNormalization()(layers.Add()([x, layers.Dense(8)(layers.Dense(16, "gelu")(x))]))
    return keras.Model(tokens, layers.Dense(3, "softmax")(layers.GlobalAveragePooling1D()(x)))


MODELS = {"mlp": mlp, "convolutions": convolutions, "lstm": lstm, "transformer": transformer}
OPTIMIZERS = {"adam": lambda: keras.optimizers.Adam(0.01), "sgd": lambda: keras.optimizers.SGD(0.05, momentum=0.9)}


def data(model):
    random = np.random.default_rng(1)
    shape = (16, *model.input_shape[1:])
    x = random.integers(0, 20, shape) if model.inputs[0].dtype == "int32" else random.normal(size=shape)
    return x.astype(model.inputs[0].dtype), random.integers(0, 3, 16).astype("int32")


def make(root):
    for name, build in MODELS.items():
        for optimizer, make_optimizer in OPTIMIZERS.items():
            folder = os.path.join(root, f"midway_{name}_{optimizer}")
            os.makedirs(folder)
            keras.utils.set_random_seed(1)
            model = build()
            model.compile(make_optimizer(), "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
            x, y = data(model)
            save_file({"x": x, "y": y}, os.path.join(folder, "data.safetensors"))
            model.fit(x, y, **FIT)
            model.save(os.path.join(folder, "begun.keras"))
            history = model.fit(x, y, **{**FIT, "epochs": 4}).history
            with open(os.path.join(folder, "whole.json"), "w") as file:
                json.dump(history, file)
            model.save(os.path.join(folder, "whole.keras"))


def check(folder):
    model = keras.saving.load_model(os.path.join(folder, "model.keras"))
    whole = keras.saving.load_model(os.path.join(folder, "whole.keras"))
    tensors = load_file(os.path.join(folder, "data.safetensors"))
    x, y = tensors["x"], tensors["y"]
    history = json.load(open(os.path.join(folder, "history.json")))
    for key, values in model.fit(x, y, **FIT).history.items():
        history[key] += values
    expected = json.load(open(os.path.join(folder, "whole.json")))
    assert history.keys() == expected.keys(), f"{list(history)}, expected {list(expected)}"
    for key, values in expected.items():
        np.testing.assert_allclose(history[key], values, **TOLERANCE, err_msg=key)
    assert len(model.optimizer.variables) == len(whole.optimizer.variables), "optimizer variables"
    pairs = [*zip(model.weights, whole.weights), *zip(model.optimizer.variables, whole.optimizer.variables)]
    for actual, wanted in pairs:
        assert actual.path == wanted.path, f"{actual.path}, expected {wanted.path}"
        # Softmax is blind to what all keys share: this gradient is rounding noise, which Adam divides
        # by its own size.
        noise = "key/bias" in wanted.path and "adam" in folder
        tolerance = {"rtol": 0, "atol": 0.1} if noise else TOLERANCE
        np.testing.assert_allclose(actual.numpy(), wanted.numpy(), **tolerance, err_msg=wanted.path)
    outputs = [keras.ops.convert_to_numpy(trained(x, training=False)) for trained in (model, whole)]
    np.testing.assert_allclose(*outputs, **TOLERANCE, err_msg="output")


if __name__ == "__main__":
    make(sys.argv[1])
