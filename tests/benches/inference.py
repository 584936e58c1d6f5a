"""The other side of inference.rs: makes the models, and times ONNX Runtime and Keras on request.

inference.py FOLDER [NAME...] saves each model as FOLDER/NAME.keras and FOLDER/NAME.onnx (Keras's own export, where
it can; needs tf2onnx) and prints a line "model NAME onnx|none" for each. Then it reads requests, one a line, and
answers each with one line of numbers:

    onnx NAME BATCH THREADS ROUNDS     seconds of each run, after two that don't count
    keras NAME BATCH ROUNDS            seconds of each predict_on_batch
    values NAME BATCH                  the first outputs of Keras
"""

import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import onnx  # noqa: E402
import onnx.numpy_helper  # noqa: E402
import onnxruntime  # noqa: E402
from keras import layers  # noqa: E402


def mlp():
    return keras.Sequential(
        [
            keras.Input((784,)),
            layers.Dense(256, activation="relu"),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def conv():
    def one():
        return layers.Conv2D(64, 3, padding="same", activation="relu")

    return keras.Sequential([keras.Input((56, 56, 64)), one(), one()])


def depthwise():
    return keras.Sequential([keras.Input((56, 56, 64)), layers.DepthwiseConv2D(3, padding="same")])


def lstm():
    return keras.Sequential([keras.Input((100, 64)), layers.LSTM(128)])


def transformer():
    x = keras.Input((128, 256))
    attended = layers.LayerNormalization()(layers.Add()([x, layers.MultiHeadAttention(8, 32)(x, x)]))
    hidden = layers.Dense(256)(layers.Dense(1024, activation="gelu")(attended))
    return keras.Model(x, layers.LayerNormalization()(layers.Add()([attended, hidden])))


def chain():
    return keras.Sequential([keras.Input((4,))] + [layers.Dense(4) for _ in range(8)])


def application(make):
    def made():
        model = make(weights=None)
        # Statistics that are not those of a new layer.
        rng = np.random.default_rng(0)
        for layer in model.layers:
            if isinstance(layer, layers.BatchNormalization):
                gamma, beta, mean, variance = layer.get_weights()
                layer.set_weights(
                    [
                        rng.uniform(0.5, 1.5, gamma.shape),
                        rng.normal(0, 0.2, beta.shape),
                        rng.normal(0, 0.2, mean.shape),
                        rng.uniform(0.5, 1.5, variance.shape),
                    ]
                )
        return model

    return made


MODELS = {
    "mlp": mlp,
    "conv": conv,
    "depthwise": depthwise,
    "lstm": lstm,
    "transformer": transformer,
    "dense4": chain,
    "mobilenet_v2": application(keras.applications.MobileNetV2),
    "resnet50": application(keras.applications.ResNet50),
    "efficientnet_b0": application(keras.applications.EfficientNetB0),
}


def inputs(model, batch):
    shape = (batch, *model.input_shape[1:])
    return np.sin(np.arange(np.prod(shape), dtype="float32") * np.float32(0.37)).reshape(shape)


def timed(rounds, work):
    seconds = []
    for _ in range(rounds + 2):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return seconds[2:]


def export(model, path):
    """Exports a model by Keras; true if that worked."""
    try:
        model(inputs(model, 1))
        model.export(path, format="onnx", verbose=False)
        onnx.checker.check_model(path)
        return True
    except Exception as error:  # what the converter can't do
        print(error, file=sys.stderr)
        return False


def session(path, threads, model, batch):
    """A session, and what it is fed."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    made = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    first, *others = made.get_inputs()
    feed = {first.name: inputs(model, batch)}
    # The converter leaves constants of normalization over as inputs.
    for other in others:
        feed[other.name] = np.zeros([extent if isinstance(extent, int) else 1 for extent in other.shape], "float32") + 1
    return made, feed


def main():
    folder, names = sys.argv[1], sys.argv[2:] or list(MODELS)
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    models, sessions = {}, {}
    for name in names:
        keras.utils.set_random_seed(1)
        models[name] = MODELS[name]()
        models[name].save(f"{folder}/{name}.keras")
        made = export(models[name], f"{folder}/{name}.onnx")
        print("model", name, "onnx" if made else "none", file=out)
    print("ready", file=out)
    for line in sys.stdin:
        what, name, batch, *rest = line.split()
        model, batch = models[name], int(batch)
        if what == "values":
            numbers = model.predict_on_batch(inputs(model, batch)).reshape(-1)[:1000].tolist()
        elif what == "keras":
            x = inputs(model, batch)
            numbers = timed(int(rest[0]), lambda: model.predict_on_batch(x))
        else:
            threads, rounds = int(rest[0]), int(rest[1])
            key = (name, batch, threads)
            if key not in sessions:
                sessions.clear()
                sessions[key] = session(f"{folder}/{name}.onnx", threads, model, batch)
            made, feed = sessions[key]
            numbers = timed(rounds, lambda: made.run(None, feed))
        print(*numbers, file=out)


if __name__ == "__main__":
    main()
