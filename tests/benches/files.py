"""What files.rs measures, with Keras: files.py FOLDER NAME:ROUNDS...

Loads the files that files.rs wrote, saves them again, and prints the best seconds of each.
"""

import os
import sys
import time
import zipfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import h5py  # noqa: E402
import keras  # noqa: E402


def best(rounds, work):
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
    return min(seconds), result


def inspect(path):
    """Names, shapes and dtypes, as a user of Keras would get them without the model."""
    with zipfile.ZipFile(path) as archive, archive.open("model.weights.h5") as member:
        with h5py.File(member, "r") as file:
            found = []
            file.visititems(
                lambda name, item: found.append((name, item.shape, item.dtype))
                if isinstance(item, h5py.Dataset)
                else None
            )
            return found


folder = sys.argv[1]
for argument in sys.argv[2:]:
    name, rounds = argument.split(":")
    rounds = int(rounds)
    path = os.path.join(folder, f"{name}.keras")
    seconds, model = best(rounds, lambda: keras.saving.load_model(path))
    print(f"{name} load: {seconds}")
    again = os.path.join(folder, f"{name}_of_keras.keras")
    seconds, _ = best(rounds, lambda: model.save(again))
    print(f"{name} save: {seconds}")
    weights = os.path.join(folder, f"{name}_of_keras.weights.h5")
    seconds, _ = best(rounds, lambda: model.save_weights(weights))
    print(f"{name} save weights: {seconds}")
    seconds, _ = best(rounds, lambda: model.load_weights(weights))
    print(f"{name} load Keras's weights: {seconds}")
    del model
    seconds, _ = best(rounds, lambda: keras.saving.load_model(again))
    print(f"{name} load Keras's file: {seconds}")
    seconds, _ = best(rounds, lambda: inspect(path))
    print(f"{name} inspect: {seconds}")
