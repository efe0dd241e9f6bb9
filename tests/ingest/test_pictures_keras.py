"""Pictures of every kind, decoded here and by Keras: the same pixels, or as far apart as the docs say."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from edgekit.ingest.pictures import decode
from edgekit.make.workshop.door import door

Image = pytest.importorskip("PIL.Image")
pytestmark = pytest.mark.tf
HEIGHT, WIDTH = 13, 17
JPEG_LEVELS = 8
"""How far TensorFlow's inverse transform, the faster of libjpeg's, is from Pillow's here."""


def options(grayscale=False, size=None, how="bilinear"):
    return {"grayscale": grayscale, "image_size": size, "interpolation": how}


def png16(path, values):
    """A PNG of 16 bits a channel, big-endian, which Pillow cannot write in colour."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    kind = {1: 0, 2: 4, 3: 2, 4: 6}[values.shape[2]]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, kind, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root, random = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    rgba = random.integers(0, 256, (HEIGHT, WIDTH, 4), dtype=np.uint8)
    grey, rgb = Image.fromarray(rgba[..., 0]), Image.fromarray(rgba[..., :3])
    palette, turned = rgb.quantize(16), Image.Exif()
    turned[0x0112] = 6
    grey.save(root / "grey.png")
    Image.fromarray(rgba[..., 0] > 127).save(root / "bits.png")
    Image.fromarray(rgba[..., [0, 3]]).save(root / "grey_alpha.png")
    rgb.save(root / "colour.png")
    Image.fromarray(rgba).save(root / "colour_alpha.png")
    palette.save(root / "palette.png")
    palette.save(root / "palette_clear.png", transparency=bytes([0, 128, *[255] * 14]))
    rgb.save(root / "colour_clear.png", transparency=(1, 2, 3))
    rgb.save(root / "turned.png", exif=turned)
    for channels, name in enumerate(("deep_grey", "deep_grey_alpha", "deep_colour", "deep_colour_alpha"), 1):
        png16(root / f"{name}.png", random.integers(0, 65536, (HEIGHT, WIDTH, channels)))
    rgb.save(root / "colour.bmp")
    palette.save(root / "palette.gif")
    frames = [Image.fromarray(np.roll(rgba[..., :3], 3 * number, 0)) for number in range(3)]
    frames[0].quantize(64).save(root / "moving.gif", save_all=True, append_images=[f.quantize(64) for f in frames[1:]])
    frames[0].save(root / "moving.png", save_all=True, append_images=frames[1:])
    frames[0].save(root / "moving.webp", save_all=True, append_images=frames[1:], lossless=True)
    rgb.save(root / "exact.webp", lossless=True)
    rgb.save(root / "lossy.webp", quality=70)
    Image.fromarray(rgba).save(root / "clear.webp", lossless=True, exact=True)
    palette.save(root / "palette.bmp")
    rgb.convert("CMYK").save(root / "print.tif")
    for name, image in {
        "plain": rgb,
        "print": rgb.convert("CMYK"),
        "video": rgb.convert("YCbCr"),
        "grey": grey,
    }.items():
        image.save(root / f"{name}.jpg", quality=90)
    rgb.save(root / "turned.jpg", exif=turned, quality=90)
    rgb.save(root / "named_wrongly.png", format="JPEG", quality=90)
    return root


LOSSLESS = [
    "grey.png", "bits.png", "grey_alpha.png", "colour.png", "colour_alpha.png", "palette.png", "palette_clear.png", "colour_clear.png",
    "turned.png", "deep_grey.png", "deep_grey_alpha.png", "deep_colour.png", "deep_colour_alpha.png", "colour.bmp", "palette.gif",
    "moving.gif", "moving.png", "exact.webp", "lossy.webp",
]  # fmt: skip
JPEG = ["plain.jpg", "print.jpg", "video.jpg", "grey.jpg", "turned.jpg", "named_wrongly.png"]
BY_LOAD_IMG = ["moving.webp", "clear.webp", "palette.bmp", "print.tif"]
"""TensorFlow refuses these in three channels, or (a BMP with a palette) takes the palette's indices for grey."""


def by_tensorflow(path, channels):
    return door().tf.image.decode_image(path.read_bytes(), channels=channels, expand_animations=False).numpy()


def by_load_img(path, mode):
    pixels = np.asarray(door().keras3.utils.load_img(path, color_mode=mode))
    return pixels if pixels.ndim == 3 else pixels[..., None]


@pytest.mark.parametrize("name", LOSSLESS)
def test_colour_without_loss_is_both_of_them_to_the_pixel(folder, name):
    ours = decode(folder / name, options()).pixels
    np.testing.assert_array_equal(ours, by_tensorflow(folder / name, 3))
    if name == "deep_grey.png":
        assert by_load_img(folder / name, "rgb").mean() > 250, "load_img clips it to white"
    else:
        np.testing.assert_array_equal(ours, by_load_img(folder / name, "rgb"))


@pytest.mark.parametrize("name", JPEG)
def test_jpeg_is_load_imgs_to_the_pixel_and_tensorflows_to_a_few_levels(folder, name):
    ours = decode(folder / name, options()).pixels
    np.testing.assert_array_equal(ours, by_load_img(folder / name, "rgb"))
    apart = np.abs(ours.astype(int) - by_tensorflow(folder / name, 3))
    assert ours.shape == (HEIGHT, WIDTH, 3) and 0 < apart.max() <= JPEG_LEVELS and apart.mean() < 2


@pytest.mark.parametrize("name", BY_LOAD_IMG)
def test_what_tensorflow_cannot_decode_is_load_imgs(folder, name):
    np.testing.assert_array_equal(decode(folder / name, options()).pixels, by_load_img(folder / name, "rgb"))


@pytest.mark.parametrize("name", [name for name in LOSSLESS if name.endswith(".png")])
def test_grey_is_tensorflows_to_a_level_and_load_imgs_to_the_pixel(folder, name):
    ours = decode(folder / name, options(grayscale=True)).pixels
    theirs = by_tensorflow(folder / name, 1)
    assert ours.shape == theirs.shape and np.abs(ours.astype(int) - theirs).max() <= (0 if "grey" in name else 1)
    if name == "deep_grey.png":
        assert by_load_img(folder / name, "grayscale").max() > 60_000, "load_img leaves it from 0 to 65535"
    else:
        np.testing.assert_array_equal(ours, by_load_img(folder / name, "grayscale"))


@pytest.mark.parametrize("size", [(5, 9), (40, 40), (HEIGHT, WIDTH), (1, 200)])
def test_sizes_are_reached_as_image_dataset_from_directory_reaches_them(folder, size):
    path = folder / "colour.png"
    theirs = door().tf.image.resize(by_tensorflow(path, 3), size).numpy()
    np.testing.assert_array_equal(decode(path, options(size=size)).pixels, np.rint(theirs))
    nearest = np.asarray(door().keras3.utils.load_img(path, target_size=size))
    np.testing.assert_array_equal(decode(path, options(size=size, how="nearest")).pixels, nearest)


def test_a_directory_of_keras(folder, tmp_path):
    """The whole way, since Keras might do more than decode and resize."""
    import shutil

    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        shutil.copy(folder / "colour.png", tmp_path / name)
    dataset = door().keras3.utils.image_dataset_from_directory(
        tmp_path, image_size=(8, 8), shuffle=False, verbose=False
    )
    theirs = next(iter(dataset))[0].numpy()[0]
    np.testing.assert_array_equal(decode(folder / "colour.png", options(size=(8, 8))).pixels, np.rint(theirs))
