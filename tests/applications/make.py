"""Makes cases of the architectures of keras.applications for the conformance runner and the exchange.

    python make.py FOLDER [NAME…]

Each case is a folder `FOLDER/models/NAME` with `model.keras` (random weights, a small input) and
`io.safetensors` (inputs, and Keras's outputs for them). The files are too large for the repository;
`run` makes them in a folder of its own.
"""
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import keras
import numpy as np
from safetensors.numpy import save_file

A = keras.applications
# In single precision, rounding in these is larger than what the runner allows: Keras's own numbers are then
# as far from exact ones.
DOUBLE = {"InceptionResNetV2", "NASNetMobile", "ResNet50", "ResNet50V2"}
# The smallest extents that Keras allows, or a little more.
ARCHITECTURES = {
    "VGG16": (A.VGG16, 32),
    "ResNet50": (A.ResNet50, 32),
    "ResNet50V2": (A.ResNet50V2, 32),
    "InceptionV3": (A.InceptionV3, 75),
    "InceptionResNetV2": (A.InceptionResNetV2, 75),
    "Xception": (A.Xception, 71),
    "MobileNet": (A.MobileNet, 32),
    "MobileNetV2": (A.MobileNetV2, 32),
    "MobileNetV3Small": (A.MobileNetV3Small, 32),
    "DenseNet121": (A.DenseNet121, 32),
    "NASNetMobile": (A.NASNetMobile, 32),
    "EfficientNetB0": (A.EfficientNetB0, 32),
    "EfficientNetV2B0": (A.EfficientNetV2B0, 32),
    "ConvNeXtTiny": (A.ConvNeXtTiny, 32),
}


def make(folder, name):
    constructor, extent = ARCHITECTURES[name]
    dtype = "float64" if name in DOUBLE else "float32"
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    keras.utils.set_random_seed(1)
    # Without the top the files are smaller, and every kind of layer is there all the same.
    model = constructor(weights=None, include_top=False, pooling="avg", input_shape=(extent, extent, 3))
    rng = np.random.default_rng(1)
    for weight in model.weights:
        # What begins as zeros or ones tells nothing of its place.
        if len(weight.shape) == 1 and keras.backend.is_float_dtype(weight.dtype):
            positive = np.all(np.array(weight) > 0)
            weight.assign(rng.uniform(0.5, 1.5, weight.shape) if positive else rng.normal(size=weight.shape) * 0.1)
    x = rng.uniform(0, 255, (2, extent, extent, 3)).astype(dtype)
    y = keras.ops.convert_to_numpy(model(x, training=False))
    target = os.path.join(folder, "models", name)
    os.makedirs(target, exist_ok=True)
    model.save(os.path.join(target, "model.keras"))
    save_file({"input.0": x, "output.0": np.ascontiguousarray(y)}, os.path.join(target, "io.safetensors"))
    print(name, y.shape, "mean", float(np.mean(np.abs(y))), "std", float(y.std()), flush=True)


folder = sys.argv[1]
for name in sys.argv[2:] or ARCHITECTURES:
    make(folder, name)
