"""Counter-based random streams: batch order, initial weights, dropout.

One integer seed 0 … 2⁶⁴−1 is the key of Philox4x32-10; a counter says which word is wanted, so every
number is a pure function of (seed, purpose, step, layer, position), whatever was drawn before it,
on any machine and by any engine.

    counter = (position // 4, layer, step, purpose)      key = (seed mod 2³², seed div 2³²)

A call of Philox yields four 32-bit words; word ``position % 4`` is the one at ``position``.

Source: J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

import secrets

import numpy as np
from numpy.typing import NDArray

from descend.errors import OptionError

INITIAL, ORDER, DROPOUT, SPLIT = range(4)  # purposes

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)


def check_seed(seed: int | None) -> int:
    """The seed itself, or a fresh one for None. Raises OptionError outside 0 … 2⁶⁴−1."""
    if seed is None:
        return secrets.randbits(64)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**64:
        raise OptionError(f"seed must be an integer from 0 to 2**64-1 or None, not {seed!r}")
    return int(seed)


def philox(counter: NDArray[np.uint32], seed: int) -> NDArray[np.uint32]:
    """Philox4x32-10. ``counter`` (n, 4) uint32 → (n, 4) uint32."""
    c0, c1, c2, c3 = (counter[:, i].astype(np.uint64) for i in range(4))
    key0, key1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        product0 = c0 * _MULTIPLIERS[0]
        product1 = c2 * _MULTIPLIERS[1]
        c0, c1, c2, c3 = (
            (product1 >> _SHIFT) ^ c1 ^ np.uint64(key0),
            product1 & _LOW,
            (product0 >> _SHIFT) ^ c3 ^ np.uint64(key1),
            product0 & _LOW,
        )
        key0 = (key0 + _WEYL[0]) & 0xFFFFFFFF
        key1 = (key1 + _WEYL[1]) & 0xFFFFFFFF
    return np.stack((c0, c1, c2, c3), axis=1).astype(np.uint32)


def words(seed: int, purpose: int, step: int, layer: int, count: int) -> NDArray[np.uint32]:
    """The words at positions 0 … count−1 of one stream, (count,) uint32."""
    blocks = -(-count // 4)
    counter = np.empty((blocks, 4), np.uint32)
    counter[:, 0] = np.arange(blocks, dtype=np.uint64).astype(np.uint32)
    counter[:, 1], counter[:, 2], counter[:, 3] = layer, step, purpose
    return philox(counter, seed).reshape(-1)[:count]


def long_words(seed: int, purpose: int, step: int, layer: int, count: int) -> NDArray[np.uint64]:
    """64-bit words, (count,): the word at position 2i is the low half of number i, 2i+1 the high half."""
    pairs = words(seed, purpose, step, layer, 2 * count).astype(np.uint64)
    return pairs[0::2] | (pairs[1::2] << _SHIFT)


def uniform(seed: int, purpose: int, step: int, layer: int, count: int) -> NDArray[np.float64]:
    """Multiples of 2⁻⁵³ in [0, 1), (count,) float64: the upper 53 bits of each 64-bit word."""
    drawn = long_words(seed, purpose, step, layer, count) >> np.uint64(11)
    return drawn.astype(np.float64) * 2.0**-53


def permutation(seed: int, purpose: int, step: int, rows: int) -> NDArray[np.int64]:
    """A permutation of 0 … rows−1, (rows,): the rows in ascending order of their 64-bit words.

    Rows whose words tie keep their order. No floating point takes part.
    """
    keys = long_words(seed, purpose, step, 0, rows)
    return np.argsort(keys, kind="stable").astype(np.int64)


def draws(seed: int, purpose: int, step: int, rows: int) -> NDArray[np.int64]:
    """``rows`` row numbers with replacement, (rows,): ⌊word · rows / 2⁶⁴⌋."""
    keys = long_words(seed, purpose, step, 0, rows)
    low, high, n = keys & _LOW, keys >> _SHIFT, np.uint64(rows)
    return ((high * n + ((low * n) >> _SHIFT)) >> _SHIFT).astype(np.int64)


def kept(seed: int, step: int, layer: int, rows: int, width: int, probability: float) -> NDArray[np.bool_]:
    """Dropout's mask, (rows, width): a unit is kept iff its word ≥ ⌊probability · 2³²⌋.

    Every row starts at a multiple of four words: unit u of row r has position r·4⌈width/4⌉ + u.
    """
    stride = -(-width // 4) * 4
    drawn = words(seed, DROPOUT, step, layer, rows * stride).reshape(rows, stride)
    return drawn[:, :width] >= np.uint32(int(probability * 2.0**32))
