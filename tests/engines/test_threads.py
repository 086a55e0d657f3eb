import os

import pytest

from descend.engines.threads import check_oversubscription, resolve_threads
from descend.errors import OptionError


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    monkeypatch.delenv("DESCEND_THREADS", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


def test_what_is_asked_for_comes_first(monkeypatch):
    monkeypatch.setenv("DESCEND_THREADS", "3")
    assert resolve_threads(5) == 5
    assert resolve_threads(None) == 3


def test_the_cores_of_this_process_are_the_default():
    assert 1 <= resolve_threads(None) <= len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("said", "most"), [("1", 1), ("1,4", 1), ("²", 1024), ("0", 1024), ("x", 1024), ("", 1024)]
)
def test_an_openmp_limit_is_honoured_where_it_is_one(monkeypatch, said, most):
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert resolve_threads(None) <= most
    assert resolve_threads(None) >= 1


@pytest.mark.parametrize("wrong", ["abc", "0", "-1", "1e3", "99999999999999999999"])
def test_wrong_numbers_are_refused(monkeypatch, wrong):
    monkeypatch.setenv("DESCEND_THREADS", wrong)
    with pytest.raises(OptionError, match="DESCEND_THREADS must be"):
        resolve_threads(None)
    with pytest.raises(OptionError, match="threads must be"):
        resolve_threads(wrong)


def test_more_threads_than_can_be_meant_are_refused(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    check_oversubscription(8)
    with pytest.raises(
        OptionError, match=r"^9 threads \(--threads\) are too many for this machine's 2 cores"
    ):
        check_oversubscription(9)
