"""Writes digits.npz from scikit-learn's copy of the UCI handwritten digits (needs `pip install scikit-learn`).

1,797 images of 8 x 8 pixels, 0 to 16, ten classes: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten
Digits", UCI Machine Learning Repository, https://doi.org/10.24432/C50P49, CC BY 4.0. One image in five is kept for the test.
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

images, labels = load_digits(return_X_y=True)
images = images.reshape(-1, 8, 8, 1).astype(np.uint8)
x_train, x_test, y_train, y_test = train_test_split(
    images, labels.astype(np.uint8), test_size=0.2, stratify=labels, random_state=0
)
np.savez_compressed("digits.npz", x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
