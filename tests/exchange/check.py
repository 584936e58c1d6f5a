"""Loads with real Keras what Rust saved, and compares: check.py FOLDER CASES…, as `run` calls it.

FOLDER/<name>/model.keras is Rust's file. Beside it stand either `original` (the path of Keras's file,
whose weights, configuration and outputs must be the same), `io.safetensors` with what Rust computed,
`case`, of which `whole_files.py` tells, or what `midway.py` says.

`check.py --packages` fails when a package of requirements.txt is missing: Keras then can't load some
layers, and says so of the file.
"""

import importlib.metadata
import json
import os
import re
import sys
import zipfile


def missing_packages():
    """The packages of requirements.txt that are not installed."""

    def is_missing(name):
        try:
            return not importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            return True

    lines = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "requirements.txt")).read().split()
    return [line for line in lines if is_missing(re.split("[<>=~!]", line)[0])]


if missing_packages():
    sys.exit(f"The exchange needs packages that are not installed: {', '.join(missing_packages())}")
if "--packages" in sys.argv:
    sys.exit()

import keras
import numpy as np
from safetensors.numpy import load_file

import midway
import objects  # noqa: F401  (registers the classes that the examples' models use)
import whole_files


def numbered(tensors, prefix):
    found = []
    while f"{prefix}.{len(found)}" in tensors:
        found.append(tensors[f"{prefix}.{len(found)}"])
    return found


def predict(model, inputs):
    structure = getattr(model, "_inputs_struct", None)
    if structure is not None and len(keras.tree.flatten(structure)) == len(inputs):
        inputs = keras.tree.pack_sequence_as(structure, inputs)
    elif len(inputs) == 1:
        inputs = inputs[0]
    outputs = model(inputs, training=False)
    return [keras.ops.convert_to_numpy(keras.ops.cast(x, "float64") if "float" in str(x.dtype) else x) for x in keras.tree.flatten(outputs)]


def tolerance(model):
    names = {str(w.dtype) for w in model.weights} | {layer.compute_dtype for layer in model._flatten_layers()}
    if "bfloat16" in names:
        return 2e-2, 2e-2
    if "float16" in names:
        return 2e-3, 1e-2
    return 1e-5, 1e-4


def same(what, actual, expected, atol, rtol):
    assert len(actual) == len(expected), f"{what}: {len(actual)} tensors, expected {len(expected)}"
    for i, (a, e) in enumerate(zip(actual, expected)):
        a, e = np.asarray(a), np.asarray(e)
        assert a.shape == e.shape, f"{what}.{i}: shape {a.shape}, expected {e.shape}"
        if a.dtype.kind in "fc" or e.dtype.kind in "fc":
            np.testing.assert_allclose(a.astype("float64"), e.astype("float64"), rtol, atol, err_msg=f"{what}.{i}")
        else:
            np.testing.assert_array_equal(a, e, err_msg=f"{what}.{i}")


def config(path):
    def strip(value):
        if isinstance(value, dict):
            return {k: strip(v) for k, v in value.items() if k != "shared_object_id"}
        return [strip(v) for v in value] if isinstance(value, list) else value

    with zipfile.ZipFile(path) as archive:
        return json.dumps(strip(json.loads(archive.read("config.json"))))


def check(folder):
    path = os.path.join(folder, "model.keras")
    model = keras.saving.load_model(path)
    original = os.path.join(folder, "original")
    if os.path.exists(original):
        case = open(original).read()
        first = os.path.join(case, "model.keras")
        assert config(path) == config(first), "config.json differs"
        expected = keras.saving.load_model(first)
        same("weight", [w.numpy() for w in model.weights if "seed" not in w.path], [w.numpy() for w in expected.weights if "seed" not in w.path], 0, 0)
        io = os.path.join(case, "io.safetensors")
    else:
        io = os.path.join(folder, "io.safetensors")
    if os.path.exists(io):
        tensors = load_file(io)
        inputs = numbered(tensors, "input")
        if inputs:
            same("output", predict(model, inputs), numbered(tensors, "output"), *tolerance(model))


def checker(folder):
    """Which check a case is for, by what stands beside its model."""
    if os.path.exists(os.path.join(folder, "begun.keras")):
        return midway.check
    return whole_files.check if os.path.exists(os.path.join(folder, "case")) else check


def main():
    root, *cases = sys.argv[1:]
    for case in cases:
        whole_files.import_classes(case)
    passed = failed = 0
    for name in sorted(os.listdir(root)):
        folder = os.path.join(root, name)
        if not os.path.isdir(folder):
            continue
        refused = os.path.join(folder, "failed")
        try:
            if os.path.exists(refused):
                raise AssertionError(open(refused).read())
            if not os.path.exists(os.path.join(folder, "model.keras")):
                continue
            checker(folder)(folder)
            passed += 1
            print(f"ok {name}")
        except Exception as error:  # noqa: BLE001  (whatever Keras says is the case's failure)
            failed += 1
            print(f"FAIL {name} {type(error).__name__}: {' | '.join(str(error).splitlines())[:400]}")
    skipped = os.path.join(root, "unsupported")
    unsupported = len(open(skipped).read().splitlines()) if os.path.exists(skipped) else 0
    print(f"{passed} passed, {failed} failed, {unsupported} unsupported")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
