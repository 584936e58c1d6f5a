"""Makes `digits.csv`: python make_digits.py (scikit-learn 1.9)."""

from sklearn.datasets import load_digits


def main():
    digits = load_digits()
    with open("digits.csv", "w", newline="") as file:
        for pixels, digit in zip(digits.data.astype(int), digits.target):
            file.write(",".join(str(number) for number in [*pixels, digit]) + "\n")


if __name__ == "__main__":
    main()
