"""What train.rs measures, with Keras: train.py NAME:ROUNDS...

Prints the median seconds of a step and of a prediction of each.
"""

import os
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers  # noqa: E402


def numbers(*shape):
    return np.sin(np.arange(np.prod(shape), dtype="float32") * np.float32(0.37)).reshape(shape)


def case(name):
    """A compiled model and one batch."""
    if name.startswith("mlp"):
        model = keras.Sequential(
            [
                keras.Input((784,)),
                layers.Dense(256, activation="relu"),
                layers.Dense(128, activation="relu"),
                layers.Dense(10, activation="softmax"),
            ]
        )
        model.compile("adam" if "adam" in name else "sgd", "sparse_categorical_crossentropy")
        return model, numbers(256, 784), np.arange(256, dtype="int32") % 10
    if name.startswith("conv"):
        def conv():
            return layers.Conv2D(64, 3, padding="same", activation="relu")

        model = keras.Sequential([keras.Input((56, 56, 64)), conv(), conv()])
        model.compile("adam", "mse")
        return model, numbers(8, 56, 56, 64), numbers(8, 56, 56, 64)
    if name.startswith("lstm"):
        model = keras.Sequential([keras.Input((100, 64)), layers.LSTM(128), layers.Dense(1)])
        model.compile("adam", "mse")
        return model, numbers(32, 100, 64), numbers(32, 1)
    inputs = keras.Input((64, 128))
    x = layers.LayerNormalization()(inputs + layers.MultiHeadAttention(4, 32)(inputs, inputs))
    hidden = layers.Dense(128)(layers.Dense(512, activation="gelu")(x))
    model = keras.Model(inputs, layers.LayerNormalization()(x + hidden))
    model.compile("adam", "mse")
    return model, numbers(16, 64, 128), numbers(16, 64, 128)


def median(rounds, work):
    seconds = []
    for _ in range(rounds + 2):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[2:])


for argument in sys.argv[1:]:
    name, rounds = argument.split(":")
    rounds = int(rounds)
    model, x, y = case(name)
    model.train_on_batch(x, y)
    print(f"{name} step: {median(rounds, lambda: model.train_on_batch(x, y))}", flush=True)
    model.predict_on_batch(x)
    print(f"{name} predict: {median(rounds, lambda: model.predict_on_batch(x))}", flush=True)
