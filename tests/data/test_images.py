"""Folders of images: one size, one mode, by the rules that are stated."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from descend.data import sources
from descend.data.encoding import encoder_from_json, fit_encoder
from descend.data.image_encoding import ImageEncoder
from descend.errors import DataError, ModelFileError


def save(path: Path, values: object, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(values, np.uint8)).save(path, **options)  # type: ignore[arg-type]
    return path


def deep(path: Path, level: int) -> Path:
    """An image of 16 bits, all of one value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 6), level, np.uint16)).save(path)
    return path


def flat(level: int, height: int = 4, width: int = 6) -> np.ndarray:
    return np.full((height, width), level, np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "pets"
    for place in range(3):
        save(root / "猫" / f"{place}.png", flat(10 * place))
        save(root / "dog" / f"{place}.PNG", flat(100 + place))
    return root


def test_grey_images_of_one_size_are_taken_as_they_are(folder: Path) -> None:
    dataset = sources.read(folder)
    assert dataset.name == "pets"
    assert dataset.target == "label"
    assert dataset.image_shape == (4, 6, 1)
    assert dataset.notes == ()
    assert dataset.labels is not None
    assert dataset.labels.to_list() == ["dog"] * 3 + ["猫"] * 3
    assert dataset.images is not None
    assert dataset.images.dtype == np.uint8
    assert dataset.images[:, 0].tolist() == [100, 101, 102, 0, 10, 20]


def test_pixels_lie_row_by_row_channels_last(folder: Path) -> None:
    values = np.arange(72).reshape(4, 6, 3)
    save(folder / "dog" / "colour.png", values)
    dataset = sources.read(folder)
    assert dataset.image_shape == (4, 6, 3)
    assert dataset.notes == ("6 of 7 images were converted to RGB",)
    assert dataset.images is not None
    assert dataset.images[3].tolist() == list(range(72))
    assert dataset.images[0].tolist() == [100] * 72


def test_the_commonest_size_holds_unless_one_is_given(folder: Path) -> None:
    save(folder / "dog" / "large.jpg", flat(50, 20, 30))
    dataset = sources.read(folder)
    assert dataset.image_shape == (4, 6, 1)
    assert dataset.notes == ("1 of 7 images were resized to 4×6 (height×width)",)
    assert sources.read(folder, image_size=8).image_shape == (8, 8, 1)
    assert sources.read(folder, image_size=(3, 5)).image_shape == (3, 5, 1)
    assert sources.read(folder, image_size=8).notes == ("7 of 7 images were resized to 8×8 (height×width)",)


def test_transparency_is_laid_on_white(folder: Path) -> None:
    save(folder / "dog" / "clear.png", np.zeros((4, 6, 4)))
    dataset = sources.read(folder)
    assert dataset.images is not None
    assert dataset.images[3].tolist() == [255] * 72


@pytest.mark.parametrize(
    ("largest", "bits", "divisor"),
    [(255, 8, 1), (200, 8, 1), (4095, 12, 16), (0x1234, 13, 32), (65535, 16, 256)],
)
@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_sixteen_bits_are_scaled_by_the_bits_in_use(
    folder: Path, suffix: str, largest: int, bits: int, divisor: int
) -> None:
    for place, value in enumerate((largest, largest // 2)):
        deep(folder / "dog" / f"d{place}.{suffix}", value)
    dataset = sources.read(folder)
    assert dataset.image_shape == (4, 6, 1)
    assert dataset.grey_bits == bits
    assert dataset.images is not None
    assert dataset.images[3:5, 0].tolist() == [largest // divisor, largest // 2 // divisor]
    (note,) = dataset.notes
    assert note.startswith(
        f"2 of 8 images have 16 bits, with values up to {largest:,}, which were divided by"
    )
    assert f"by {divisor} to have 8" in note


def test_sixteen_bits_are_scaled_alike_when_predicting_and_evaluating(folder: Path, tmp_path: Path) -> None:
    deep(folder / "dog" / "d.png", 4095)
    trained = fit_encoder(sources.read(folder))
    encoder = encoder_from_json(json.loads(json.dumps({"kind": "ImageEncoder", **trained.to_json()})))
    assert isinstance(encoder, ImageEncoder)
    dim = deep(tmp_path / "new" / "dog" / "dim.png", 160)
    assert encoder.transform(dim)[0, 0] == 10
    bright = deep(tmp_path / "bright.png", 5000)
    assert encoder.transform(bright)[0, 0] == 255
    assert "5,000, which were divided by 16 to have 8; those above 4,095 became white" in str(
        encoder.notes_of_last_use
    )
    again = sources.read(tmp_path / "new", image_form=encoder.form)
    assert again.images is not None
    assert again.images[0, 0] == 10


def test_bits_that_no_image_has_are_refused_in_a_model_file() -> None:
    for bits in (20, 7, 8.0, True, None):
        with pytest.raises(ModelFileError, match="grey images of"):
            encoder_from_json({"kind": "ImageEncoder", "shape": [4, 6, 1], "grey_bits": bits})


def test_colour_of_sixteen_bits_is_told(folder: Path) -> None:
    rows = b"".join(b"\0" + np.full((6, 3), 0x1234, ">u2").tobytes() for _ in range(4))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 6, 4, 16, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    (folder / "dog" / "c.png").write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
            for kind, body in chunks
        )
    )
    dataset = sources.read(folder)
    assert dataset.images is not None
    assert dataset.images[3].tolist() == [0x12] * 72
    assert "1 of 7 images have 16 bits a channel, of which the high 8 were taken" in str(dataset.notes)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (np.full((4, 6), 0.5, np.float32), "an image of floating-point numbers"),
        (np.full((4, 6), 70_000, np.int32), "an image with values from 70,000 to 70,000"),
        (np.full((4, 6), -1, np.int32), "an image with values from -1 to -1"),
    ],
)
def test_values_of_no_known_range_are_refused(folder: Path, values: np.ndarray, found: str) -> None:
    Image.fromarray(values).save(folder / "dog" / "x.tif")
    with pytest.raises(DataError, match=f"dog/x.tif is {found}.*save it with 8 or 16 bits"):
        sources.read(folder)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_a_photograph_is_turned_as_it_was_held(tmp_path: Path, suffix: str) -> None:
    upright = np.zeros((16, 32, 3), np.uint8)
    upright[:8] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    for label in ("a", "b"):
        save(tmp_path / "held" / label / f"0.{suffix}", upright, exif=exif, quality=95)
    dataset = sources.read(tmp_path / "held")
    assert dataset.notes == ()
    assert dataset.image_shape == (32, 16, 3)
    assert dataset.images is not None
    turned = dataset.images[0].reshape(32, 16, 3)
    assert turned[:, 12].mean() > 240 > 15 > turned[:, 3].mean()


class TestEncoder:
    def test_images_stay_8_bit(self, folder: Path) -> None:
        dataset = sources.read(folder)
        encoder = fit_encoder(dataset)
        assert isinstance(encoder, ImageEncoder)
        x = encoder.transform(dataset, "float32")
        assert x.dtype == np.uint8
        assert x.shape == (6, 24)
        assert encoder.scale == 1 / 255
        assert len(encoder.feature_names) == encoder.features == 24
        assert encoder.feature_names[7] == "pixel 1,1"
        again = encoder_from_json(json.loads(json.dumps({"kind": "ImageEncoder", **encoder.to_json()})))
        assert again.to_json() == encoder.to_json()

    def test_what_is_predicted_is_made_to_fit(self, folder: Path, tmp_path: Path) -> None:
        encoder = fit_encoder(sources.read(folder))
        one = save(tmp_path / "new" / "one.png", flat(77, 8, 12))
        assert encoder.transform(one).tolist() == [[77] * 24]
        assert encoder.notes_of_last_use == ("1 of 1 images were resized to 4×6 (height×width)",)
        save(tmp_path / "new" / "two.png", np.full((4, 6, 3), 90))
        assert encoder.transform(tmp_path / "new")[:, 0].tolist() == [77, 90]
        assert encoder.names_of_last_use == ("one.png", "two.png")
        assert encoder.transform(folder)[:, 0].tolist() == [100, 101, 102, 0, 10, 20]
        assert encoder.names_of_last_use == (
            "dog/0.PNG", "dog/1.PNG", "dog/2.PNG", "猫/0.png", "猫/1.png", "猫/2.png",
        )  # fmt: skip
        encoder.transform(sources.read(folder).take(np.array([4, 0])))
        assert encoder.names_of_last_use == ("猫/1.png", "dog/0.PNG")
        encoder.transform(one)
        assert encoder.names_of_last_use == ("one.png",)
        encoder.transform(np.zeros((1, 24), np.uint8))
        assert encoder.names_of_last_use is None

    def test_a_dataset_of_another_shape_is_resized(self, folder: Path) -> None:
        encoder = fit_encoder(sources.read(folder))
        colour = sources.read((np.full((2, 8, 8, 3), 60, np.uint8), np.array([0, 1])))
        assert encoder.transform(colour).tolist() == [[60] * 24] * 2
        assert encoder.notes_of_last_use == (
            "2 images were converted from 8×8 (height×width) colour to 4×6 (height×width) grey, "
            "the model's shape",
        )

    def test_arrays(self, folder: Path) -> None:
        encoder = fit_encoder(sources.read(folder))
        values = np.arange(48, dtype=np.uint8)
        for shape in ((2, 24), (2, 4, 6), (2, 4, 6, 1)):
            np.testing.assert_array_equal(encoder.transform(values.reshape(shape)), values.reshape(2, 24))
        assert encoder.notes_of_last_use == ()
