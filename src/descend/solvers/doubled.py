"""Numbers of twice float64's precision: the sum of a head and a tail below the head's last digit.

T. J. Dekker, "A floating-point technique for extending the available precision", Numer. Math. 18, 1971.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
_SPLIT = 2.0**27 + 1


class Doubled(NamedTuple):
    """head, tail : arrays of one shape."""

    head: Doubles
    tail: Doubles

    def at(self, part: slice) -> Doubled:
        """The same rows of both."""
        return Doubled(self.head[part], self.tail[part])


def doubled(values: Doubles) -> Doubled:
    """The same numbers, with tails of 0."""
    return Doubled(values, np.zeros_like(values))


def two_sum(a: Doubles, b: Doubles) -> Doubled:
    """a + b without any error (D. E. Knuth, The Art of Computer Programming 2, 4.2.2)."""
    head = a + b
    gained = head - a
    return Doubled(head, (a - (head - gained)) + (b - gained))


def two_product(a: Doubles, b: Doubles) -> Doubled:
    """a · b without any error, as long as nothing overflows or underflows."""
    head = a * b
    a_upper, b_upper = _upper_half(a), _upper_half(b)
    a_lower, b_lower = a - a_upper, b - b_upper
    error = ((a_upper * b_upper - head) + a_upper * b_lower + a_lower * b_upper) + a_lower * b_lower
    return Doubled(head, error)


def plus(a: Doubled, b: Doubled) -> Doubled:
    """a + b."""
    head, tail = two_sum(a.head, b.head)
    return two_sum(head, tail + (a.tail + b.tail))


def times(a: Doubled, b: Doubles) -> Doubled:
    """a · b, b being float64."""
    head, tail = two_product(a.head, b)
    return two_sum(head, tail + a.tail * b)


def total(a: Doubled) -> Doubled:
    """Sum over the first axis, in pairs."""
    while len(a.head) > 1:
        half = len(a.head) // 2
        paired = plus(a.at(slice(half)), a.at(slice(half, 2 * half)))
        rest = a.at(slice(2 * half, None))
        a = Doubled(np.concatenate([paired.head, rest.head]), np.concatenate([paired.tail, rest.tail]))
    return Doubled(a.head[0], a.tail[0])


def _upper_half(a: Doubles) -> Doubles:
    turned = a * _SPLIT
    return turned - (turned - a)
