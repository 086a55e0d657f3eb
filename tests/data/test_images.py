"""Folders of images: one size, one mode, by the rules that are stated."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from descend.data import sources
from descend.data.encoding import encoder_from_json, fit_encoder
from descend.data.image_encoding import ImageEncoder


def save(path: Path, values: object, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(values, np.uint8)).save(path, **options)  # type: ignore[arg-type]
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


def test_sixteen_bits_become_eight(folder: Path) -> None:
    Image.fromarray(np.full((4, 6), 0x1234, np.uint16)).save(folder / "dog" / "deep.png")
    dataset = sources.read(folder)
    assert dataset.image_shape == (4, 6, 1)
    assert dataset.images is not None
    assert dataset.images[3].tolist() == [0x12] * 24


def test_a_photograph_is_turned_as_it_was_held(tmp_path: Path) -> None:
    upright = np.zeros((16, 32), np.uint8)
    upright[:8] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    for label in ("a", "b"):
        save(tmp_path / "held" / label / "0.jpg", upright, exif=exif, quality=95)
    dataset = sources.read(tmp_path / "held")
    assert dataset.image_shape == (32, 16, 1)
    assert dataset.images is not None
    turned = dataset.images[0].reshape(32, 16)
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
