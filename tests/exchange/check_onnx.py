"""Checks exported models with `onnx.checker` and runs them in ONNX Runtime: check_onnx.py OUT, as `onnx` calls it.

OUT/<kind>/<case>/model.onnx is the export, `case` the path of the case with Keras's inputs and outputs. Each
model runs on the case's inputs, on those inputs twice over, and on their first row, so that the batch is seen
to be free; also on inputs of other extents (`io_1.safetensors`), where the case has them.
"""

import glob
import os
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented
from safetensors.numpy import load_file

NUMPY = {"bool": "bool", "float": "float32", "double": "float64"}


def numbered(tensors, prefix):
    found = []
    while f"{prefix}.{len(found)}" in tensors:
        found.append(tensors[f"{prefix}.{len(found)}"])
    return found


def readable(model):
    """The model with outputs that NumPy knows: `bfloat16` ones are cast."""
    for output in model.graph.output:
        if output.type.tensor_type.elem_type == TensorProto.BFLOAT16:
            inner = output.name + "/bfloat16"
            for node in model.graph.node:
                node.output[:] = [inner if name == output.name else name for name in node.output]
                node.input[:] = [inner if name == output.name else name for name in node.input]
            model.graph.node.append(helper.make_node("Cast", [inner], [output.name], to=TensorProto.FLOAT))
            output.type.tensor_type.elem_type = TensorProto.FLOAT
    return model


def in_single_precision(model):
    """The model with `float32` in place of `float64`, for which ONNX Runtime has no convolutions."""

    def converted(tensor):
        if tensor.data_type == TensorProto.DOUBLE:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype("float32"), tensor.name))

    for tensor in model.graph.initializer:
        converted(tensor)
    for value in [*model.graph.input, *model.graph.output, *model.graph.value_info]:
        if value.type.tensor_type.elem_type == TensorProto.DOUBLE:
            value.type.tensor_type.elem_type = TensorProto.FLOAT
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name == "to" and attribute.i == TensorProto.DOUBLE:
                attribute.i = TensorProto.FLOAT
            if attribute.HasField("t"):
                converted(attribute.t)
    return model


def session_of(model):
    """A session, and whether it computes in lower precision than the model."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    providers = ["CPUExecutionProvider"]
    try:
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=providers), False
    except NotImplemented:
        single = in_single_precision(model).SerializeToString()
        return onnxruntime.InferenceSession(single, options, providers=providers), True


def tolerance(model):
    """As for the cases: by the lowest precision in which the model computes."""
    types = {tensor.data_type for tensor in model.graph.initializer}
    types |= {a.i for node in model.graph.node if node.op_type == "Cast" for a in node.attribute}
    types |= {value.type.tensor_type.elem_type for value in [*model.graph.input, *model.graph.output]}
    if types & {TensorProto.BFLOAT16, TensorProto.INT8}:
        return 2e-2, 2e-2
    return (2e-3, 1e-2) if TensorProto.FLOAT16 in types else (1e-5, 1e-4)


def same(what, actual, expected, atol, rtol):
    assert len(actual) == len(expected), f"{what}: {len(actual)} outputs, expected {len(expected)}"
    for i, (a, e) in enumerate(zip(actual, expected)):
        assert a.shape == e.shape, f"{what}.{i}: shape {a.shape}, expected {e.shape}"
        if e.dtype.kind in "biu":
            np.testing.assert_array_equal(a, e, err_msg=f"{what}.{i}")
        else:
            np.testing.assert_allclose(a.astype("float64"), e.astype("float64"), rtol, atol, err_msg=f"{what}.{i}")


def check(folder):
    path = os.path.join(folder, "model.onnx")
    onnx.checker.check_model(path, full_check=True)
    model = onnx.load(path)
    domains = {node.domain for node in model.graph.node} | {opset.domain for opset in model.opset_import}
    assert domains == {""}, f"operators of other domains: {domains}"
    case = open(os.path.join(folder, "case")).read()
    tensors = load_file(os.path.join(case, "io.safetensors"))
    inputs, expected = numbered(tensors, "input"), numbered(tensors, "output")
    if not expected:
        return
    limits = tolerance(model)
    session, is_lower = session_of(readable(model))
    if is_lower:
        # Cases are made in `float64` because `float32` loses this much on the way through their layers.
        limits = (1e-3 * max(float(np.abs(array).max()) for array in expected), 1e-2)
    dtype = lambda info: np.dtype(NUMPY.get(info.type[7:-1], info.type[7:-1]))

    def run(arrays):
        given = zip(session.get_inputs(), arrays)
        return session.run(None, {info.name: array.astype(dtype(info)) for info, array in given})

    assert len(session.get_inputs()) == len(inputs), f"{len(session.get_inputs())} inputs, expected {len(inputs)}"
    same("output", run(inputs), expected, *limits)
    rows = {array.shape[0] for array in [*inputs, *expected] if array.ndim}
    is_free = all(info.shape and info.shape[0] == "batch" for info in session.get_inputs())
    if is_free and len(rows) == 1 and all(array.ndim for array in [*inputs, *expected]):
        twice = lambda arrays: [np.concatenate([array, array]) for array in arrays]
        first = lambda arrays: [array[:1] for array in arrays]
        same("output of twice as many rows", run(twice(inputs)), twice(expected), *limits)
        same("output of the first row", run(first(inputs)), first(expected), *limits)
    for other in sorted(glob.glob(os.path.join(glob.escape(case), "io_*.safetensors"))):
        tensors = load_file(other)
        same(os.path.basename(other), run(numbered(tensors, "input")), numbered(tensors, "output"), *limits)


def main():
    root = sys.argv[1]
    passed = failed = skipped = unsupported = 0
    for kind in sorted(os.listdir(root)):
        for name in sorted(os.listdir(os.path.join(root, kind))):
            folder = os.path.join(root, kind, name)
            try:
                if os.path.exists(os.path.join(folder, "text")):
                    skipped += 1
                    continue
                if os.path.exists(os.path.join(folder, "unsupported")):
                    unsupported += 1
                    continue
                if os.path.exists(os.path.join(folder, "failed")):
                    raise AssertionError("not exported: " + open(os.path.join(folder, "failed")).read())
                check(folder)
                passed += 1
                print(f"ok {kind}/{name}")
            except Exception as error:  # noqa: BLE001  (whatever they say is the case's failure)
                failed += 1
                print(f"FAIL {kind}/{name} {type(error).__name__}: {' | '.join(str(error).split(chr(10)))[:500]}")
    print(f"{passed} passed, {failed} failed, {unsupported} unsupported, {skipped} with text")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
