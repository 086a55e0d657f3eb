"""The peers by name. A peer's library is imported when the peer is first asked for."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from importlib.metadata import version

from descend.bench.contender import Peer
from descend.errors import OptionError, choices

# name: module, name of its Peer there
_PLACES = {
    "pytorch": ("descend.bench.peers.torch_loops", "BY_HAND"),
    "book": ("descend.bench.peers.torch_loops", "BOOK"),
    "jax": ("descend.bench.peers.jax_scan", "SCAN"),
    "scikit-learn": ("descend.bench.peers.scikit_learn", "ESTIMATORS"),
}
NAMES = tuple(_PLACES)
NONE = "none"


def find_peers(names: Sequence[str]) -> tuple[dict[str, Peer], dict[str, str]]:
    """The named peers that are installed, all for no names, and the version of each, or why it is missing.

    Raises OptionError for an unknown name; the single name ``none`` means no peers.
    """
    if list(names) == [NONE]:
        return {}, {}
    for name in names:
        if name not in _PLACES:
            raise OptionError(f"unknown peer {name!r}; {choices(name, (*NAMES, NONE))}")
    found: dict[str, Peer] = {}
    versions: dict[str, str] = {}
    for name in (each for each in NAMES if not names or each in names):
        module, attribute = _PLACES[name]
        peer: Peer = getattr(importlib.import_module(module), attribute)
        try:
            importlib.import_module(peer.package)
        except ImportError:
            versions[name] = "not installed"
            continue
        found[name] = peer
        versions[name] = version({"sklearn": "scikit-learn"}.get(peer.package, peer.package))
    return found, versions
