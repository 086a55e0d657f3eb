"""Image folders that cannot be used, and images that must be changed before they can."""

from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from descend.data import sources
from descend.data.encoding import fit_encoder
from descend.data.pixel_form import PixelForm
from descend.data.sources import image_folder, read_images
from descend.errors import DataError


def picture(path: Path, size: tuple[int, int] = (6, 6), mode: str = "L", seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    channels = {"L": (), "RGB": (3,)}[mode]
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], *channels), np.uint8)
    Image.fromarray(values).save(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for label in ("cat", "dog"):
        for place in range(3):
            picture(tmp_path / "pets" / label / f"{place}.png", seed=place)
    return tmp_path / "pets"


def refusal(source: Path, **options: object) -> str:
    with pytest.raises(DataError) as caught:
        sources.read(source, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("keep", [0.0, 0.5, 0.9])
def test_a_truncated_image_is_named(folder: Path, suffix: str, keep: float) -> None:
    whole = picture(folder / "dog" / f"big.{suffix}", (64, 64)).read_bytes()
    (folder / "dog" / f"big.{suffix}").write_bytes(whole[: int(keep * len(whole))])
    message = refusal(folder)
    assert f"dog/big.{suffix}" in message
    assert "damaged" in message


def test_text_named_png(folder: Path) -> None:
    (folder / "cat" / "note.png").write_text("not an image")
    assert "cat/note.png is no image that can be read" in refusal(folder)


def test_all_images_that_cannot_be_read_are_named_at_once(folder: Path) -> None:
    (folder / "cat" / "a.jpg").write_bytes(b"")
    (folder / "dog" / "page.jpg").write_text("<!DOCTYPE html><p>not found")
    whole = picture(folder / "dog" / "big.png", (64, 64)).read_bytes()
    (folder / "dog" / "big.png").write_bytes(whole[: len(whole) // 2])
    message = refusal(folder)
    assert (
        "3 of 9 images cannot be read: cat/a.jpg, dog/page.jpg, dog/big.png; mend or remove them" in message
    )
    assert message.count(str(folder)) == 1
    (folder / "cat" / "a.jpg").unlink()
    (folder / "dog" / "big.png").unlink()
    assert refusal(folder) == f"{folder / 'dog' / 'page.jpg'} is a web page"
    for place in range(8):
        (folder / "cat" / f"x{place}.webp").write_bytes(b"RIFF")
    message = refusal(folder)
    assert "9 of 15 images cannot be read" in message
    assert "cat/x4.webp and 4 more; mend" in message


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "bmp", "tif", "gif", "pgm"])
def test_images_with_altered_bytes_are_read_or_refused(tmp_path: Path, suffix: str) -> None:
    whole = picture(tmp_path / f"x.{suffix}", (16, 16)).read_bytes()
    draw = random.Random(suffix)
    form = PixelForm((16, 16, 1))
    for _ in range(60):
        content = bytearray(whole)
        for _ in range(draw.randint(1, 3)):
            content[draw.randrange(min(len(content), 200))] = draw.randrange(256)
        path = tmp_path / f"altered.{suffix}"
        path.write_bytes(content)
        try:
            read_images(path, form)
        except DataError as error:
            assert "\n" not in str(error)  # noqa: PT017


def test_what_is_no_regular_file_is_not_waited_for(folder: Path, tmp_path: Path) -> None:
    os.mkfifo(folder / "dog" / "pipe.png")
    (folder / "dog" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (folder / "dog" / "zero.png").symlink_to("/dev/zero")
    (folder / "dog" / "folder.png").mkdir()
    (folder / "dog" / "loop").symlink_to(folder)
    dataset = sources.read(folder)
    assert dataset.rows == 6
    assert "3 files were passed over: 3 no regular file" in str(dataset.notes)
    assert read_images(folder, PixelForm((6, 6, 1))).rows == 6
    with pytest.raises(DataError, match="1 file was passed over: 1 no regular file"):
        read_images(folder / "dog" / "pipe.png", PixelForm((6, 6, 1)))


def test_images_beyond_the_free_memory_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_folder, "free_memory", lambda: 10**6)
    assert sources.read(folder, image_size=100).rows == 6
    message = refusal(folder, image_size=1000)
    assert "6 images of 1000×1000 (height×width) grey take 0.0 GB" in message
    assert "give a smaller image_size" in message


def test_one_class_or_none(tmp_path: Path) -> None:
    picture(tmp_path / "one" / "cat" / "0.png")
    assert "has images in 'cat' alone" in refusal(tmp_path / "one")
    (tmp_path / "flat").mkdir()
    picture(tmp_path / "flat" / "0.png")
    assert "at least two subfolders, one per class" in refusal(tmp_path / "flat")


def test_photographs_without_a_size_are_refused_with_the_remedy(tmp_path: Path) -> None:
    for label in ("a", "b"):
        picture(tmp_path / "big" / label / "0.png", (1200, 1000))
    assert "1,200,000 inputs each; give a smaller image_size" in refusal(tmp_path / "big")
    assert sources.read(tmp_path / "big", image_size=(5, 8)).image_shape == (5, 8, 1)


@pytest.mark.parametrize("size", [0, -1, (3,), (1, 0), 10**6, "8", 2.5])
def test_impossible_sizes(folder: Path, size: object) -> None:
    assert "image_size must be a side or (height, width)" in refusal(folder, image_size=size)


def test_wrong_target_and_other_files_and_empty_classes(folder: Path) -> None:
    assert "its target is 'label', not 'kind'" in refusal(folder, target="kind")
    (folder / "dog" / "readme.txt").write_text("hello")
    (folder / "cat" / ".hidden.png").write_text("hello")
    (folder / "fish").mkdir()
    dataset = sources.read(folder)
    assert dataset.rows == 6
    assert dataset.notes == (
        "subfolders without images were left out: 'fish'",
        "1 file was passed over: 1 .txt (read are PNG, JPEG, WebP, BMP, TIFF, GIF or PNM images)",
    )


def test_images_have_no_columns_to_ignore(folder: Path) -> None:
    assert "pets holds images, which have no columns to ignore" in refusal(folder, ignore=["a"])


def test_an_image_too_large_to_be_meant(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    picture(folder / "cat" / "bomb.png", (12, 12))
    assert "cat/bomb.png is too large an image" in refusal(folder)


class TestPredict:
    def test_what_is_no_image(self, folder: Path, tmp_path: Path) -> None:
        encoder = fit_encoder(sources.read(folder))
        (tmp_path / "t.csv").write_text("a,b\n1,2\n")
        (tmp_path / "empty").mkdir()
        for source, part in (
            (tmp_path / "t.csv", "is no image"),
            (tmp_path / "empty", "holds no PNG, JPEG, WebP, BMP, TIFF, GIF or PNM images"),
            (tmp_path / "none.png", "there is no file or folder"),
            ("houses", "'houses' is a built-in table, but the model was trained on images"),
            ({"a": [1]}, "give an array or a path, not dict"),
            (np.zeros((2, 35), np.uint8), "images must be uint8 of shape"),
            (np.zeros((2, 36)), "images must be uint8 of shape"),
            (sources.read("iris"), "holds a table, but the model was trained on images"),
        ):
            with pytest.raises(DataError, match=part.replace("(", r"\(")):
                encoder.transform(source)
