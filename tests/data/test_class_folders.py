"""How people lay out folders of images: other formats, deeper folders, parts beside each other."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import descend
from descend.data import sources
from descend.data.split import split
from descend.errors import DataError, DataWarning
from descend.judging import evaluate


def save(path: Path, level: int = 0, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 6), level, np.uint8)).save(path, **options)  # type: ignore[arg-type]
    return path


def class_folder(root: Path, classes: tuple[str, ...] = ("dark", "light"), count: int = 3) -> Path:
    for place, name in enumerate(classes):
        for each in range(count):
            save(root / name / f"{each}.png", 100 * place + each)
    return root


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return class_folder(tmp_path / "pics")


@pytest.mark.parametrize(
    "suffix", ["jpg", "jpeg", "jpe", "jfif", "webp", "bmp", "dib", "tif", "tiff", "gif", "pgm", "WEBP"]
)
def test_formats(folder: Path, suffix: str) -> None:
    save(folder / "light" / f"x.{suffix}", 200)
    dataset = sources.read(folder)
    assert dataset.rows == 7
    assert dataset.images is not None
    assert abs(int(dataset.images[-1, 0]) - 200) <= 2
    assert dataset.notes == (() if suffix.lower() != "webp" else ("6 of 7 images were converted to RGB",))


@pytest.mark.parametrize("suffix", ["gif", "tif", "webp", "png"])
def test_the_first_of_several_frames(folder: Path, suffix: str) -> None:
    frames = [Image.fromarray(np.full((4, 6), level, np.uint8)) for level in (50, 150, 250)]
    frames[0].save(folder / "light" / f"x.{suffix}", save_all=True, append_images=frames[1:], lossless=True)
    dataset = sources.read(folder)
    assert dataset.images is not None
    assert dataset.images[-1, 0] == 50
    assert "1 of 7 images have several frames, of which the first was taken" in dataset.notes


@pytest.mark.parametrize("mode", ["1", "P", "RGBA", "LA", "CMYK"])
def test_modes(folder: Path, mode: str) -> None:
    suffix = "tif" if mode == "CMYK" else "png"
    Image.new("RGB", (6, 4), (255, 0, 0)).convert(mode if mode != "LA" else "L").convert(mode).save(
        folder / "light" / f"x.{suffix}"
    )
    dataset = sources.read(folder)
    assert dataset.images is not None
    grey = mode in ("1", "LA")
    assert dataset.image_shape == (4, 6, 1 if grey else 3)
    if not grey:
        assert dataset.images[-1, :3].tolist() == [255, 0, 0]


def test_files_that_are_passed_over_are_told_once(folder: Path) -> None:
    for name in ("dark/a.heic", "dark/b.HEIC", "light/c.heic", "notes.txt", "light/noending", "dark/.hidden"):
        (folder / name).write_text("x")
    save(folder / "loose.png")
    assert sources.read(folder).notes == (
        "6 files were passed over: 3 .heic, 1 .txt, 1 in no class folder, 1 without an ending "
        "(read are PNG, JPEG, WebP, BMP, TIFF, GIF or PNM images)",
    )


def test_a_class_of_other_files_is_named_with_their_ending(folder: Path) -> None:
    (folder / "mid").mkdir()
    for place in range(3):
        (folder / "mid" / f"{place}.heic").write_text("x")
    assert sources.read(folder).notes == ("subfolders without images were left out: 'mid' (3 .heic)",)


def test_nothing_but_other_files_is_refused_with_their_endings(tmp_path: Path) -> None:
    for name in ("dark", "light"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "0.heic").write_text("x")
    with pytest.raises(DataError, match=r"has none, but 2 other files: 2 \.heic; convert them"):
        sources.read(tmp_path)


def test_images_in_deeper_folders_are_of_the_first_folders_class(folder: Path) -> None:
    save(folder / "dark" / "monday" / "am" / "0.png")
    save(folder / "light" / "monday" / "0.png")
    dataset = sources.read(folder)
    assert dataset.labels is not None
    assert dataset.labels.to_list() == ["dark"] * 4 + ["light"] * 4
    assert dataset.row_names is not None
    assert "dark/monday/am/0.png" in dataset.row_names
    (note,) = dataset.notes
    assert note.startswith("2 of 8 images lie in folders below their class's own: their class is")


def test_a_copy_of_the_classes_inside_is_left_out(folder: Path) -> None:
    class_folder(folder / "pics")
    dataset = sources.read(folder)
    assert dataset.rows == 6
    assert dataset.notes == ("left out, as what lies in it is named as the classes beside it: 'pics'",)


def test_a_folder_around_the_classes_is_refused_with_the_one_to_give(folder: Path) -> None:
    with pytest.raises(DataError, match=f"if its subfolders are the classes, give {folder}$"):
        sources.read(folder.parent)


PARTS = [
    ("train", "val", "test"),
    ("Training", "Validation", "Testing"),
    ("training_set", "dev_set", "test_set"),
    ("训练集", "验证集", "测试集"),
]


@pytest.mark.parametrize("names", PARTS)
def test_parts_beside_each_other(tmp_path: Path, names: tuple[str, str, str]) -> None:
    for count, name in zip((6, 3, 2), names, strict=True):
        class_folder(tmp_path / "pics" / name, count=count)
    dataset = sources.read(tmp_path / "pics")
    assert dataset.rows == 22
    assert dataset.labels is not None
    assert dataset.labels.n_unique() == 2
    assert dataset.validation_rows is not None
    assert dataset.test_rows is not None
    assert dataset.row_names is not None
    assert {dataset.row_names[row].split("/")[0] for row in dataset.validation_rows} == {names[1]}
    assert {dataset.row_names[row].split("/")[0] for row in dataset.test_rows} == {names[2]}
    assert dataset.notes[0].startswith("the parts are the folder's own: ")
    parts = split(22, 0, test_rows=dataset.test_rows, validation_rows=dataset.validation_rows)
    assert [len(each) for each in (parts.train, parts.validation, parts.test)] == [12, 6, 4]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("train", "val", "test"), (24, 4, 4)),
        (("train", "test"), (20, 4, 4)),
        (("train", "val"), (20, 4, 4)),
        (("train",), (16, 4, 4)),
    ],
)
def test_fit_and_evaluate_on_the_folders_parts(
    tmp_path: Path, names: tuple[str, ...], expected: tuple[int, int, int]
) -> None:
    for name in names:
        class_folder(tmp_path / "pics" / name, count=12 if name == "train" else 2)
    with pytest.warns(DataWarning, match="the parts are the folder's own"):
        training = descend.fit(tmp_path / "pics", epochs=1, engine="reference")
    assert training.metrics is not None
    assert tuple(training.metrics["rows"].values()) == expected
    judged = evaluate(training.model, tmp_path / "pics")
    assert judged == {part: training.metrics[part] for part in ("train", "validation", "test")}
    if names == ("train", "val"):  # the same images, as other parts
        (tmp_path / "pics" / "val").rename(tmp_path / "pics" / "test")
        assert set(evaluate(training.model, tmp_path / "pics")) == {"all"}


def test_a_test_folder_without_classes_is_left_out_and_told(tmp_path: Path) -> None:
    class_folder(tmp_path / "train", count=6)
    save(tmp_path / "test" / "0.png")
    dataset = sources.read(tmp_path)
    assert dataset.rows == 12
    assert dataset.test_rows is None
    assert "subfolders that are no part with a folder per class were left out: test" in dataset.notes


def test_parts_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    for name in ("train", "test"):
        save(tmp_path / "flat" / name / "0.png")
    with pytest.raises(
        DataError, match="named as the parts of a data set, but there are no subfolders per class"
    ):
        sources.read(tmp_path / "flat")
    class_folder(tmp_path / "none" / "val")
    class_folder(tmp_path / "none" / "test")
    with pytest.raises(DataError, match="there are no training part among them"):
        sources.read(tmp_path / "none")
    class_folder(tmp_path / "more" / "train")
    class_folder(tmp_path / "more" / "test", ("dark", "unknown"))
    with pytest.raises(DataError, match=r"more/test/unknown: train has no class 'unknown' to learn it from"):
        sources.read(tmp_path / "more")


def test_classes_that_are_named_as_parts(tmp_path: Path) -> None:
    class_folder(tmp_path, ("bus", "car", "train"))
    assert sources.read(tmp_path).rows == 9


class TestEvaluate:
    @pytest.fixture
    def model(self, tmp_path: Path) -> descend.Model:
        return descend.fit(class_folder(tmp_path / "own", count=8), epochs=1, engine="reference").model

    def test_a_folder_with_one_of_the_classes(self, model: descend.Model, tmp_path: Path) -> None:
        class_folder(tmp_path / "one", ("light",))
        assert set(evaluate(model, tmp_path / "one")) == {"all"}

    def test_an_unknown_class_is_named_by_its_file(self, model: descend.Model, tmp_path: Path) -> None:
        class_folder(tmp_path / "new", ("light", "other"))
        with pytest.raises(DataError, match=r"^new/other/0\.png: 'other' is not a class the model knows"):
            evaluate(model, tmp_path / "new")

    def test_images_without_a_class(self, model: descend.Model, tmp_path: Path) -> None:
        save(tmp_path / "flat" / "0.png")
        with pytest.raises(DataError, match="has 1 images in no subfolder"):
            evaluate(model, tmp_path / "flat")


def test_a_class_must_have_a_name(folder: Path) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("names of files are text here")
    (folder / "light").rename(folder / os.fsdecode(b"l\xe9ger"))
    with pytest.raises(DataError, match=r"the name of the folder 'l\\udce9ger' is not UTF-8; rename it"):
        sources.read(folder)
