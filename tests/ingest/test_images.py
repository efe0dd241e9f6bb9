"""A folder of images, real PNG and JPEG files made by Pillow."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.errors import DataError
from edgekit.ingest.pictures import decode

Image = pytest.importorskip("PIL.Image")
COLOURS = {"cat": (250, 10, 20), "dog": (30, 240, 40), "eel": (50, 60, 230)}
AS_IT_IS = {"grayscale": False, "image_size": None, "interpolation": "bilinear"}


def picture(path, colour, size=(6, 4), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).convert(mode).save(path)


@pytest.fixture
def images(tmp_path):
    """`images/train` with six of each of three classes, `images/test` with two; 6 wide, 4 high."""
    for split, count in (("train", 6), ("test", 2)):
        for name, colour in COLOURS.items():
            for number in range(count):
                ending = "jpg" if number % 3 == 2 else "png"
                picture(tmp_path / "images" / split / name / f"{number}.{ending}", colour)
    return tmp_path / "images"


def test_pixels_stay_as_they_are_and_classes_are_in_order_of_their_names(images, open_source):
    found = open_source("images", in_child=True)
    assert found.labels == ("cat", "dog", "eel")
    x, y = found.inputs("test")[0], found.targets("test")[0]
    assert (x.shape, x.dtype) == ((6, 4, 6, 3), np.uint8) and y.tolist() == [0, 0, 1, 1, 2, 2]
    for row, label in enumerate(y):
        assert x[row, 0, 0].tolist() == list(COLOURS[found.labels[label]])
    jpeg = found.inputs("train")[0][2].astype(int)
    assert np.abs(jpeg - np.array(COLOURS["cat"])).max() < 12, "JPEG is nearly the colour"
    assert found.splits["validation"].samples == 3


def test_what_the_project_declares_is_done_and_nothing_else(images, open_source):
    found = open_source("images", image_size=(2, 3), grayscale=True, scale=1 / 255, offset=-0.5)
    x = found.inputs("train")[0]
    assert (x.shape, x.dtype) == ((18, 2, 3, 1), np.float32)
    red, green, blue = COLOURS["cat"]
    luma = (0.299 * red + 0.587 * green + 0.114 * blue) / 255 - 0.5
    assert x[0, 0, 0, 0] == pytest.approx(luma, abs=0.005)


def test_modes_of_other_kinds_become_rgb(images, open_source):
    picture(images / "train" / "cat" / "palette.png", COLOURS["cat"], mode="P")
    picture(images / "train" / "cat" / "alpha.png", COLOURS["cat"], mode="RGBA")
    picture(images / "train" / "cat" / "gray.PNG", (9, 9, 9), mode="L")
    assert open_source("images").splits["train"].inputs[0].shape == (21, 4, 6, 3)


def test_what_tools_leave_behind_is_no_class_and_no_image(images, open_source):
    picture(images / "train" / ".ipynb_checkpoints" / "0.png", (0, 0, 0))
    (images / "train" / "notes.txt").write_text("x", encoding="utf-8")
    (images / "train" / "cat" / "Thumbs.db").write_bytes(b"x")
    (images / "train" / "cat" / "._0.png").write_bytes(b"resource fork")
    assert open_source("images").labels == ("cat", "dog", "eel")


def test_sizes_that_differ_ask_for_image_size(images, refused, open_source):
    odd = images / "train" / "dog" / "3.png"
    picture(odd, COLOURS["dog"], size=(7, 4))
    error = refused("images")
    assert error.what == "samples of different shapes" and error.where == str(odd)
    assert "image_size" in error.next_step
    assert error.received == "2 sizes, height x width (pictures): 4 x 6 (23), 4 x 7 (1)"
    assert open_source("images", image_size=(4, 4)).splits["train"].inputs[0].shape[1:] == (4, 4, 3)


def test_an_empty_class_is_named(images, refused):
    for path in (images / "test" / "eel").iterdir():
        path.unlink()
    error = refused("images")
    assert error.what == "an empty class" and error.where == str(images / "test" / "eel")


def test_a_class_that_is_missing_altogether_is_named(images, refused):
    for path in (images / "test" / "eel").iterdir():
        path.unlink()
    (images / "test" / "eel").rmdir()
    assert refused("images").where == str(images / "test" / "eel")


def test_an_unknown_class_suggests_the_nearest(images, refused):
    picture(images / "test" / "dogs" / "0.png", (0, 0, 0))
    error = refused("images")
    assert error.what == "a class that the training split does not have"
    assert error.next_step == "did you mean 'dog'?"


@pytest.mark.parametrize("content", [b"", b"no image at all", b"\x89PNG\r\n\x1a\n" + bytes(30)])
def test_a_broken_image_is_named(images, refused, content):
    broken = images / "train" / "cat" / "1.png"
    broken.write_bytes(content)
    error = refused("images", in_child=not content)
    assert error.what == "not an image that can be read" and error.where == str(broken)


def test_all_broken_images_are_named_at_once_and_no_more_than_twenty(images, refused):
    for number in range(3):
        (images / "train" / "cat" / f"{number}.png").write_bytes(b"no image")
    (images / "test" / "eel" / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    error = refused("images")
    assert error.what == "4 pictures that cannot be used" and error.where.endswith("test/eel/1.png")
    assert error.received.count("UnidentifiedImageError") + error.received.count("SyntaxError") >= 3
    assert all(f"train/cat/{number}.png" in error.received for number in range(3))
    for number in range(40):
        (images / "train" / "dog" / f"bad{number:02}.png").write_bytes(b"no image")
    assert refused("images").received.endswith("and 24 more")


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_an_image_cut_or_damaged_anywhere_is_read_or_named(images, tmp_path, ending):
    path = tmp_path / f"noise.{ending}"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (9, 8, 3), np.uint8)).save(path)
    whole = path.read_bytes()
    for place in range(0, len(whole), 3):
        for content in (whole[:place], whole[:place] + bytes([whole[place] ^ 0x5A]) + whole[place + 1 :]):
            path.write_bytes(content)
            try:
                assert decode(path, AS_IT_IS).pixels.shape[2] == 3
            except DataError as error:
                assert error.what in ("not an image that can be read", "pixels that cannot be brought to 0 to 255")


def test_a_palette_that_is_missing_is_named(tmp_path):
    """Pillow answers it with an assertion."""
    path = tmp_path / "palette.png"
    Image.effect_noise((9, 9), 90).convert("RGB").quantize(16).save(path, transparency=3)
    content = path.read_bytes()
    begin = content.index(b"PLTE") - 4
    size = int.from_bytes(content[begin : begin + 4], "big")
    path.write_bytes(content[:begin] + content[begin + 12 + size :])
    with pytest.raises(DataError, match="not an image that can be read"):
        decode(path, AS_IT_IS)


def test_a_file_that_only_its_ending_calls_a_picture_starts_no_other_parser(tmp_path):
    """PostScript would be handed to Ghostscript."""
    path = tmp_path / "photo.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n(x) print\n%%EOF\n")
    Image.open(path)  # Pillow itself would take it
    with pytest.raises(DataError, match="not an image that can be read"):
        decode(path, AS_IT_IS)


def test_what_was_left_aside_in_decoding_is_said(images, open_source):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (6, 4), (9, 9, 9)).save(images / "train" / "cat" / "turned.jpg", exif=exif)
    frames = [Image.new("RGB", (6, 4), (shade, 0, 0)) for shade in (0, 99)]
    frames[0].save(images / "train" / "dog" / "moving.gif", save_all=True, append_images=frames[1:])
    Image.fromarray(np.full((4, 6), 30_000, np.uint16)).save(images / "test" / "eel" / "deep.png")
    found = open_source("images")
    said = "\n".join(found.notes)
    assert "EXIF orientation, which is not applied (Keras does not apply it either): 1 (train/cat/turned.jpg)" in said
    assert "several frames, of which the first is taken (as Keras does): 1 (train/dog/moving.gif)" in said
    assert "16-bit grey" in said and "(test/eel/deep.png)" in said
    assert found.inputs("test")[0][-1].max() == 30_000 >> 8


@pytest.mark.parametrize("mode", ["F", "I"])
def test_pixels_of_no_known_range_are_refused_with_the_reason(images, refused, mode):
    Image.new(mode, (6, 4), 0.5 if mode == "F" else 70_000).save(images / "train" / "cat" / "wide.tif")
    error = refused("images")
    assert error.what == "pixels that cannot be brought to 0 to 255"
    assert error.where.endswith("wide.tif") and "32-bit" in error.received


def test_a_test_folder_alone_serves_a_check(images, open_source):
    import shutil

    shutil.rmtree(images / "train")
    found = open_source("images", need=("test",))
    assert found.labels == ("cat", "dog", "eel") and set(found.splits) == {"test"}
