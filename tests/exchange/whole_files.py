"""Whole files with classes of one's own: what Keras makes of them after they were saved here.

FOLDER/<name>/case holds the path of a case's JSON file: inputs, outputs, and for trained models what each
step of training gives. The classes stand in Python files in `make/` beside it.
"""

import importlib
import json
import os
import sys

import keras
import numpy as np

from values import call as infer
from values import read

QUANTIZED = {"rtol": 2e-2, "atol": 2e-2}
CALLS = {}


def import_classes(folder):
    """Imports the Python files of FOLDER/make, which register classes; says which can't be imported.

    A file may have a dict `CALL` with functions of a model, by the names of cases, in place of a call on
    the case's inputs.
    """
    make = os.path.join(folder, "make")
    if not os.path.isdir(make):
        return
    sys.path.insert(0, make)
    for file in sorted(os.listdir(make)):
        name, extension = os.path.splitext(file)
        if extension != ".py" or name.startswith("run"):
            continue
        try:
            CALLS.update(getattr(importlib.import_module(name), "CALL", {}))
        except Exception as error:  # noqa: BLE001  (a file may need what is not installed)
            print(f"{file} can't be imported: {type(error).__name__}: {error}", file=sys.stderr)


def layers(model):
    return list(model._flatten_layers())


def tolerance(model, dtype):
    policies = [layer.dtype_policy for layer in layers(model)]
    if any(getattr(policy, "quantization_mode", None) for policy in policies):
        return QUANTIZED
    names = {str(dtype), *(policy.compute_dtype for policy in policies)}
    if "bfloat16" in names:
        return {"rtol": 2e-2, "atol": 2e-2}
    return {"rtol": 1e-2, "atol": 2e-3} if "float16" in names else {"rtol": 1e-4, "atol": 1e-5}


def same(what, model, actual, expected):
    actual, expected = keras.tree.flatten(actual), keras.tree.flatten(expected)
    assert len(actual) == len(expected), f"{what}: {len(actual)} tensors, expected {len(expected)}"
    for i, (ours, wanted) in enumerate(zip(actual, expected)):
        ours, wanted = (keras.ops.convert_to_numpy(x) for x in (ours, wanted))
        assert ours.shape == wanted.shape, f"{what}.{i}: shape {ours.shape}, expected {wanted.shape}"
        assert ours.dtype == wanted.dtype, f"{what}.{i}: {ours.dtype}, expected {wanted.dtype}"
        if wanted.dtype.kind in "OUSb":
            np.testing.assert_array_equal(ours, wanted, err_msg=f"{what}.{i}")
        else:
            within = tolerance(model, wanted.dtype)
            np.testing.assert_allclose(ours.astype("float64"), wanted.astype("float64"), **within, err_msg=f"{what}.{i}")


def check(folder):
    path = open(os.path.join(folder, "case")).read()
    name = os.path.basename(path).removesuffix(".json")
    case = json.load(open(path))
    model = keras.saving.load_model(os.path.join(folder, "model.keras"))
    # A list holds what some other program computed, on inputs that are not told.
    if isinstance(case, list) or "outputs" not in case:
        return
    inputs = read(case["inputs"])
    call = CALLS.get(name, lambda model: infer(model, inputs))
    same("output", model, call(model), read(case["outputs"]))
    training = case.get("train")
    if training is None:
        return
    x, y = read(training["x"]), read(training["y"])
    for i, wanted in enumerate(training["logs"]):
        logs = model.train_on_batch(x, y, return_dict=True)
        assert list(logs) == list(wanted), f"step {i}: logs {list(logs)}, expected {list(wanted)}"
        for key, value in wanted.items():
            np.testing.assert_allclose(logs[key], value, **tolerance(model, "float32"), err_msg=f"step {i}: {key}")
    same("output after training", model, call(model), read(training["after"]))
