"""Tensors in JSON, as `tests/src/found` reads them: leaves `{dtype, shape, data}` in structures."""

import keras
import ml_dtypes  # noqa: F401  (gives numpy the dtype bfloat16)
import numpy as np
import tensorflow as tf


def call(model, inputs):
    """What a model computes for inference; a feature space is called on inputs alone."""
    if isinstance(model, keras.utils.FeatureSpace):
        return model(inputs)
    return model(inputs, training=False)


def write(value):
    """A structure of tensors, arrays and text as JSON."""
    if value is None:
        return {"none": True}
    if isinstance(value, dict):
        return {"dict": {key: write(item) for key, item in value.items()}}
    if isinstance(value, (list, tuple)):
        return {type(value).__name__ if type(value) is list else "tuple": [write(item) for item in value]}
    array = np.asarray(value if isinstance(value, np.ndarray) else keras.ops.convert_to_numpy(value))
    if array.dtype.kind in "OUS":
        data = [x.decode() if isinstance(x, bytes) else str(x) for x in array.reshape(-1).tolist()]
        return {"dtype": "string", "shape": list(array.shape), "data": data}
    data = array.reshape(-1)
    if array.dtype.kind not in "biu":
        data = [x if np.isfinite(x) else str(x) for x in data.astype("float64").tolist()]
    else:
        data = data.tolist()
    return {"dtype": str(array.dtype), "shape": list(array.shape), "data": data}


def read(value):
    """The tensors of a structure in JSON."""
    if "dict" in value:
        return {key: read(item) for key, item in value["dict"].items()}
    for kind in (list, tuple):
        if kind.__name__ in value:
            return kind(read(item) for item in value[kind.__name__])
    if "none" in value:
        return None
    if value["dtype"] == "string":
        return tf.constant(value["data"], tf.string, value["shape"])
    if np.dtype(value["dtype"]).kind in "biu":
        array = np.array(value["data"], value["dtype"])
    else:
        array = np.array([float(x) for x in value["data"]], "float64").astype(value["dtype"])
    return tf.constant(array.reshape(value["shape"]))
