import os
import resource
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from descend.errors import OutputError
from descend.writing import renaming
from descend.writing.whole import check_writable, folder_in_the_making, new_file, replace_file


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


def test_a_new_file_replaces_none(tmp_path):
    new_file(tmp_path / "file", b"first")
    with pytest.raises(OutputError, match="was written by another program meanwhile"):
        new_file(tmp_path / "file", b"second")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"first")]


def test_a_link_to_itself_is_refused(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(OutputError, match="loop"):
        new_file(tmp_path / "loop", b"x")


@pytest.mark.parametrize("in_one_step", [True, False])
def test_names_given_are_known_however_the_renaming_ended(tmp_path, monkeypatch, in_one_step):
    if not in_one_step:
        monkeypatch.setattr(renaming, "_renameat2", lambda: None)
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    with renaming.names_given() as given:
        with pytest.raises(FileExistsError):
            renaming.take_name(tmp_path / "a", tmp_path / "b")
        assert given() == []
        renaming.take_name(tmp_path / "a", tmp_path / "new")
        renaming.exchange(tmp_path / "b", tmp_path / "c")
        assert given() == [tmp_path / "new", tmp_path / "c"]
    assert {path.name for path in tmp_path.iterdir()} == {"new", "b", "c"}


_WITHOUT_RIGHTS = """
import os, sys
from pathlib import Path
from descend.errors import OutputError
from descend.writing.whole import check_writable
os.umask(int(sys.argv[1], 8))
if os.geteuid() == 0:  # who may do everything
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    check_writable(Path(sys.argv[2]))
except OutputError as error:
    print(error)
"""


@pytest.mark.parametrize(("umask", "refused"), [("777", True), ("577", True), ("377", True), ("077", False)])
def test_a_umask_that_takes_ones_own_rights_is_told_at_once(umask, refused):
    with tempfile.TemporaryDirectory() as folder:  # one that another user reaches
        Path(folder).chmod(0o777)
        done = subprocess.run(
            [sys.executable, "-c", _WITHOUT_RIGHTS, umask, folder], capture_output=True, text=True
        )
    assert done.returncode == 0, done.stderr
    assert (f"the umask 0{umask} takes your own rights" in done.stdout) is refused


def test_too_few_descriptors_are_told_before_there_is_work_to_lose(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (free + 6, hard))
        with pytest.raises(OutputError, match=r"\(Too many open files: raise ulimit -n\)"):
            check_writable(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    check_writable(tmp_path)
    assert list(tmp_path.iterdir()) == []
