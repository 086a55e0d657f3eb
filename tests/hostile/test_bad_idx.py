"""IDX files that are missing, cut, lengthened or not what their names say."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from descend.data import sources
from descend.data.pixel_form import PixelForm
from descend.data.sources import idx_folder
from descend.errors import DataError


def images(count: int = 5, height: int = 3, width: int = 2) -> bytes:
    sizes = b"".join(each.to_bytes(4, "big") for each in (count, height, width))
    return b"\0\0\x08\x03" + sizes + bytes(place % 256 for place in range(count * height * width))


def labels(count: int = 5) -> bytes:
    return b"\0\0\x08\x01" + count.to_bytes(4, "big") + bytes(place % 3 for place in range(count))


def refusal(folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        sources.read(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("damage", "part"),
    [
        (lambda whole: b"", "train-images-idx3-ubyte is truncated: 0 bytes"),
        (lambda whole: whole[:10], "is truncated: 10 bytes where the header alone has 16"),
        (lambda whole: whole[:-1], "announces 30 values, and there are at most 29"),
        (lambda whole: whole + b"x", "is longer than the 30 values"),
        (lambda whole: b"\0\0\x0d" + whole[3:], "is no IDX file of images"),
        (lambda whole: labels(), "it starts with 00 00 08 01"),
        (lambda whole: b"PK\x03\x04" + whole, "it starts with 50 4b 03 04"),
        (lambda whole: images(0), "is empty: its dimensions are 0 × 3 × 2"),
        (lambda whole: whole[:8] + b"\xff" * 8 + whole[16:], "no likely size"),
        (lambda whole: images(4), "has 4 images but train-labels-idx1-ubyte has 5 labels"),
    ],
)
def test_damaged_images(tmp_path: Path, damage: Callable[[bytes], bytes], part: str) -> None:
    (tmp_path / "train-images-idx3-ubyte").write_bytes(damage(images()))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(labels())
    assert part in refusal(tmp_path)


def test_a_count_far_beyond_the_file_takes_no_memory(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03" + b"\xff\xff\xff\xff" + images()[8:])
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(labels())
    assert "announces 25,769,803,770 values, and there are at most 30" in refusal(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(images())
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01\xff\xff\xff\xff" + labels()[8:])
    assert "announces 4,294,967,295 values, and there are at most 5" in refusal(tmp_path)


def test_damaged_gzip(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(images())[:-9])
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels()))
    assert "train-images-idx3-ubyte.gz is truncated or damaged" in refusal(tmp_path)


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("zipped", [False, True])
def test_gzip_is_told_by_the_bytes_and_not_by_the_name(tmp_path: Path, suffix: str, zipped: bool) -> None:
    pack = gzip.compress if zipped else bytes
    (tmp_path / f"train-images-idx3-ubyte{suffix}").write_bytes(pack(images()))
    (tmp_path / f"train-labels-idx1-ubyte{suffix}").write_bytes(pack(labels()))
    assert sources.read(tmp_path).rows == 5


def test_a_web_page_is_called_one(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte.gz").write_text("\n<!DOCTYPE html>\n<html><p>404</html>")
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels()))
    assert "train-images-idx3-ubyte.gz is a web page, and no IDX file: download it again" in refusal(tmp_path)


@pytest.mark.parametrize("columns", [1, 8])
def test_labels_of_rows_of_integers(tmp_path: Path, columns: int) -> None:
    rows = np.arange(-3, 5 * columns - 3, dtype=">i4").reshape(5, columns)
    header = b"\0\0\x0c\x02" + (5).to_bytes(4, "big") + columns.to_bytes(4, "big")
    (tmp_path / "qmnist-train-images-idx3-ubyte").write_bytes(images())
    (tmp_path / "qmnist-train-labels-idx2-int").write_bytes(header + rows.tobytes())
    dataset = sources.read(tmp_path)
    assert dataset.labels is not None
    assert dataset.labels.to_list() == rows[:, 0].tolist()
    assert dataset.notes == (
        f"qmnist-train-labels-idx2-int: the class is the first of {columns} numbers of each row",
    )
    (tmp_path / "qmnist-train-labels-idx2-int").write_bytes(header + rows.tobytes()[:-1])
    assert f"announces {5 * columns} values" in refusal(tmp_path)


def test_files_in_folders_below(tmp_path: Path) -> None:
    for name in ("MNIST", "FashionMNIST"):
        raw = tmp_path / name / "raw"
        raw.mkdir(parents=True)
        (raw / "train-images-idx3-ubyte").write_bytes(images())
        (raw / "train-labels-idx1-ubyte").write_bytes(labels())
    message = refusal(tmp_path)
    assert "several folders in it hold IDX files, FashionMNIST/raw and MNIST/raw among them" in message
    dataset = sources.read(tmp_path / "MNIST")
    assert dataset.name == "MNIST"
    assert dataset.notes == ("read from raw in it",)
    assert sources.read_images(tmp_path / "MNIST", PixelForm((3, 2, 1))).rows == 5


def test_a_folder_named_as_a_file_is_none(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte").mkdir()
    (tmp_path / "train-images.idx3-ubyte").write_bytes(images())
    (tmp_path / "train-labels.idx1-ubyte").write_bytes(labels())
    assert sources.read(tmp_path).rows == 5


def test_more_than_the_free_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(images(50_000)))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels(50_000)))
    monkeypatch.setattr(idx_folder, "free_memory", lambda: 200_000)
    assert "needs 0.0 GB, and 0.0 GB of memory are free" in refusal(tmp_path)


def test_missing_partners(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte").write_bytes(images())
    assert "has train-images-idx3-ubyte but no train labels beside it" in refusal(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(labels())
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(labels())
    assert "has t10k-labels-idx1-ubyte but no test images beside it" in refusal(tmp_path)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(images(5, 2, 3))
    assert "training images are 3×2 and test images 2×3 (height×width)" in refusal(tmp_path)


def test_idx_images_are_not_resized(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte").write_bytes(images())
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(labels())
    with pytest.raises(DataError, match="image_size is for a folder of images by class"):
        sources.read(tmp_path, image_size=8)
    assert sources.read(tmp_path, image_form=PixelForm((8, 8, 1))).image_shape == (3, 2, 1)


def test_two_files_of_one_part(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte").write_bytes(images())
    (tmp_path / "train-images.idx3-ubyte").write_bytes(images())
    assert "two files of train images" in refusal(tmp_path)


@pytest.mark.parametrize(
    "pattern", ["{}-idx{}-ubyte", "{}-idx{}-ubyte.gz", "{}.idx{}-ubyte", "emnist-mnist-{}-idx{}-ubyte"]
)
def test_names_in_use_are_read(tmp_path: Path, pattern: str) -> None:
    for part, count in (("train", 5), ("t10k", 4)):
        for what, dimensions, content in (("images", 3, images(count)), ("labels", 1, labels(count))):
            name = pattern.format(f"{part}-{what}", dimensions)
            (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    dataset = sources.read(tmp_path)
    assert dataset.rows == 9
    assert dataset.image_shape == (3, 2, 1)
    assert dataset.test_rows is not None
    assert dataset.test_rows.tolist() == [5, 6, 7, 8]
    assert dataset.images is not None
    np.testing.assert_array_equal(dataset.images[5], np.arange(6, dtype=np.uint8))
    assert dataset.labels is not None
    assert dataset.labels.to_list() == [0, 1, 2, 0, 1, 0, 1, 2, 0]
