"""Makes the files beside it. Run in this folder with keras 3.15.1, tensorflow and h5py."""

import h5py
import keras
import ml_dtypes
import numpy as np

keras.utils.set_random_seed(1)
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="d")])
model.layers[0].set_weights([np.arange(6, dtype="float32").reshape(2, 3), np.full(3, 0.5, "float32")])
model.save("model.keras")

TYPES = ["float16", "float32", "float64", "int8", "int16", "int32", "int64"]
TYPES += ["uint8", "uint16", "uint32", "uint64", "bool"]
with h5py.File("dtypes.h5", "w") as f:
    for name in TYPES:
        f[name] = np.array([[0, 1], [2, 3]]).astype(name)
    f["bfloat16"] = np.array([1, -2], ml_dtypes.bfloat16)
    f["bfloat16"].attrs["dtype"] = "bfloat16"
    f["scalar"] = np.float32(7)
    f["empty"] = np.zeros((0, 3), "float32")
    f["complex"] = np.array([1j])
    f["fixed"] = np.array([b"ab", b"c"])
    f["texts"] = np.array(["ü", "", "xyz"], dtype=h5py.string_dtype())
    f.attrs["text"] = "äö"
    f.attrs["fixed"] = np.bytes_("plain")
    f.attrs["list"] = ["a", "bc"]
    f.attrs["bytes"] = [b"a", b"bc"]
    f.attrs["none"] = []
    f.attrs["int"] = -3
    f.attrs["float"] = 0.5
    f.attrs["complex"] = 1j

ramp = np.arange(64, dtype="float32").reshape(8, 8)
with h5py.File("packed.h5", "w") as f:
    f.create_dataset("gzip", data=ramp, chunks=(3, 8), compression="gzip", shuffle=True, fletcher32=True)
    f.create_dataset("lzf", data=ramp, compression="lzf")
    f.create_dataset("big", data=ramp.astype(">f4"))
    f.create_dataset("unwritten", (2,), "float32", fillvalue=4)
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_layout(h5py.h5d.COMPACT)
    space = h5py.h5s.create_simple((2,))
    compact = h5py.h5d.create(f.id, b"compact", h5py.h5t.IEEE_F32LE, space, plist)
    compact.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([1, 2], "float32"))

for libver in ("earliest", "latest"):
    with h5py.File(f"soft_{libver}.h5", "w", libver=libver) as f:
        f["g/x"] = 1.0
        f["g/soft"] = h5py.SoftLink("/g/x")
    with h5py.File(f"external_{libver}.h5", "w", libver=libver) as f:
        f["g/external"] = h5py.ExternalLink("/etc/passwd", "/")
with h5py.File("soft_dense.h5", "w", libver="latest") as f:
    for i in range(20):
        f.create_group(f"g/group_{i}")
    f["g/soft"] = h5py.SoftLink("/g")
with h5py.File("dense.h5", "w", libver="latest") as f:
    for i in range(20):
        f[f"g/{i}"] = np.float32(i)
        f["g"].attrs[f"a{i}"] = i
with h5py.File("cycle.h5", "w") as f:
    f.create_group("a/b")
    f["a/b/loop"] = f["a"]
with h5py.File("deep.h5", "w", libver="latest") as f:
    f.create_group("/".join("abcdefghij"))
with h5py.File("storage.h5", "w") as f:
    f.create_dataset("x", (2,), "float32", external=[("/etc/passwd", 0, 8)])
with h5py.File("virtual.h5", "w", libver="latest") as f:
    layout = h5py.VirtualLayout((2,), "float32")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (2,))
    f.create_virtual_dataset("x", layout)
with h5py.File("bomb_unwritten.h5", "w") as f:
    f.create_dataset("x", (1 << 40,), "float32")
with h5py.File("bomb_gzip.h5", "w") as f:
    f.create_dataset("x", data=np.zeros(1 << 22, "float32"), chunks=(1 << 22,), compression="gzip", compression_opts=9)
with h5py.File("bomb_chunk.h5", "w") as f:
    f.create_dataset("x", (2,), "float32", maxshape=(None,), chunks=(1 << 28,), compression="gzip")
