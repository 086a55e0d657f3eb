import os
import threading

import pytest

from descend.errors import OutputError
from descend.models.writing import folder_in_the_making, replace_file


def test_a_link_is_followed(tmp_path):
    target, link = tmp_path / "file", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    replace_file(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_pipe_stays_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    replace_file(pipe, b"through")
    reader.join()
    assert read == [b"through"]
    assert pipe.is_fifo()


def test_failing_leaves_the_old_file(tmp_path):
    path = tmp_path / "folder"
    path.mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        replace_file(path, b"x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_a_folder_in_the_making_leaves_nothing_behind(tmp_path):
    with pytest.raises(ZeroDivisionError), folder_in_the_making(tmp_path / "runs") as folder:  # noqa: PT012
        (folder / "half").write_text("x")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
