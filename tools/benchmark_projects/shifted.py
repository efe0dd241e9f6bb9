"""Images mirrored and shifted at random, with numpy alone: whatever trains on them, in whichever Python."""

import numpy as np

PIXELS = 4


def mirrored_and_shifted(images, generator):
    """Images [count, 32, 32, channels], each shifted by up to four pixels, its border mirrored, and half of them mirrored whole."""
    padded = np.pad(images, ((0, 0), *[(PIXELS, PIXELS)] * 2, (0, 0)), mode="reflect")
    made = np.empty_like(images)
    for index, (row, column, mirrored) in enumerate(generator.integers(0, [9, 9, 2], (len(images), 3))):
        crop = padded[index, row : row + 32, column : column + 32]
        made[index] = crop[:, ::-1] if mirrored else crop
    return made
