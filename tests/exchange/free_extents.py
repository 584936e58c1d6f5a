"""Models with unknown extents, made by Keras for the export: free_extents.py OUT, as `onnx` calls it.

OUT/models/<name>/ holds model.keras, and inputs and outputs of several extents: io.safetensors, io_1.safetensors.
"""

import os
import sys

import keras
import numpy as np
from keras import layers
from safetensors.numpy import save_file

IMAGES = [(16, 20, 3), (11, 9, 3)]
STEPS = [(7, 4), (12, 4)]


def chain(*stages, shape, dtype="float32"):
    x = y = keras.Input(shape, dtype=dtype)
    for stage in stages:
        y = stage(y)
    return keras.Model(x, y)


def on_image(*stages):
    return chain(*stages, shape=(None, None, 3)), IMAGES


def on_steps(*stages):
    return chain(*stages, shape=(None, 4)), STEPS


def on_words(*stages):
    return chain(layers.Embedding(10, 4, mask_zero=True), *stages, shape=(None,), dtype="int32"), [(7,), (12,)]


def halved_and_doubled():
    x = keras.Input((None, None, 3))
    wide = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    deep = layers.Conv2D(8, 3, padding="same")(layers.MaxPooling2D()(wide))
    joined = layers.Concatenate()([layers.Conv2DTranspose(4, 2, strides=2)(deep), layers.UpSampling2D()(deep), wide])
    return keras.Model(x, layers.Conv2D(1, 1, activation="sigmoid")(joined)), [(16, 20, 3), (32, 8, 3)]


def attention(causal):
    x = keras.Input((None, 4))
    y = layers.MultiHeadAttention(2, 4)(x, x, use_causal_mask=causal)
    return keras.Model(x, layers.LayerNormalization()(y + x)), STEPS


def encoder_and_decoder():
    a, b = keras.Input((None, 5)), keras.Input((None, 6))
    _, *states = layers.LSTM(4, return_state=True)(a)
    y = layers.LSTM(4, return_sequences=True)(b, initial_state=states)
    return keras.Model([a, b], layers.Attention()([y, y])), [[(7, 5), (5, 6)], [(3, 5), (12, 6)]]


def sum_of_two():
    a, b = keras.Input((None, 4)), keras.Input((None, 4))
    return keras.Model([a, b], layers.Dot(axes=2)([layers.Add()([a, b]), a])), [[(7, 4)] * 2, [(3, 4)] * 2]


MODELS = {
    "attention": lambda: attention(False),
    "attention_causal": lambda: attention(True),
    "bidirectional": lambda: on_steps(layers.Bidirectional(layers.LSTM(3, return_sequences=True))),
    "conv1d_causal": lambda: on_steps(layers.Conv1D(3, 3, padding="causal")),
    "conv1d_strided": lambda: on_steps(layers.Conv1D(3, 3, padding="same", strides=2)),
    "conv2d": lambda: on_image(layers.Conv2D(4, 3, padding="same"), layers.BatchNormalization(), layers.ReLU()),
    "conv2d_strided": lambda: on_image(layers.Conv2D(4, 3, padding="same", strides=2), layers.Conv2D(2, 3, strides=2)),
    "conv2d_transpose": lambda: on_image(layers.Conv2DTranspose(4, 3, strides=2, padding="same")),
    "cropped": lambda: on_image(layers.UpSampling2D(2), layers.ZeroPadding2D(1), layers.Cropping2D(2)),
    "encoder_and_decoder": encoder_and_decoder,
    "gru": lambda: on_steps(layers.GRU(3, go_backwards=True)),
    "halved_and_doubled": halved_and_doubled,
    "masked": lambda: on_words(layers.LSTM(3, return_sequences=True), layers.GRU(2)),
    "masked_average": lambda: on_words(layers.GlobalAveragePooling1D()),
    "pooled": lambda: on_image(layers.MaxPooling2D(2), layers.AveragePooling2D(2), layers.GlobalMaxPooling2D()),
    "separable": lambda: on_image(layers.DepthwiseConv2D(3), layers.SeparableConv2D(5, 3, padding="same", strides=2)),
    "stacked_cells": lambda: on_steps(layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], return_sequences=True)),
    "sum_of_two": sum_of_two,
    "time_distributed": lambda: on_steps(layers.TimeDistributed(layers.Dense(2))),
}


def main():
    keras.utils.set_random_seed(1)
    random = np.random.default_rng(1)
    for name, make in MODELS.items():
        model, all_shapes = make()
        folder = os.path.join(sys.argv[1], "models", name)
        os.makedirs(folder)
        model.save(os.path.join(folder, "model.keras"))
        for i, shapes in enumerate(all_shapes):
            shapes = shapes if isinstance(shapes, list) else [shapes]
            inputs = [
                random.integers(0, 10, (2, *shape)).astype("int32") if "int" in symbol.dtype else random.normal(size=(2, *shape)).astype("float32")
                for shape, symbol in zip(shapes, model.inputs)
            ]
            tensors = {f"input.{j}": x for j, x in enumerate(inputs)}
            tensors["output.0"] = keras.ops.convert_to_numpy(model(inputs if len(inputs) > 1 else inputs[0], training=False))
            save_file(tensors, os.path.join(folder, f"io_{i}.safetensors" if i else "io.safetensors"))


if __name__ == "__main__":
    main()
