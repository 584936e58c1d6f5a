"""Makes `digits.npz`: python make_digits.py (scikit-learn 1.9, NumPy 2.4)."""

import numpy as np
from sklearn.datasets import load_digits


def main():
    digits = load_digits()
    images = digits.images.astype("uint8")[..., np.newaxis]
    np.savez_compressed("digits.npz", images=images, digits=digits.target.astype("int32"))


if __name__ == "__main__":
    main()
