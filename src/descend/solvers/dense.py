"""Small dense systems: rank by singular values, the solution of least length where it is not unique."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Solved:
    """solution : (p, t).  singular_values : (min(m, p),) descending.  rank : those that count."""

    solution: Doubles
    singular_values: Doubles
    rank: int


def r_factor(a: Doubles) -> Doubles:
    """R of the QR factorization of a (m, n): (min(m, n), n)."""
    return np.asarray(np.linalg.qr(a, mode="r"))


def substitute(R: Doubles, b: Doubles, *, transposed: bool = False) -> Doubles:
    """``R⁻¹·b``, or ``R⁻ᵀ·b``; R (k, k) upper triangular with nothing 0 on its diagonal, b (k, t).

    BLAS's trsm: LAPACK's trtrs, behind ``scipy.linalg.solve_triangular``, wakes threads for a few columns and
    then waits milliseconds for them where another process keeps a core busy.
    """
    from scipy.linalg.blas import dtrsm

    return np.asarray(dtrsm(1.0, R, b, trans_a=int(transposed)))


def solve(a: Doubles, b: Doubles, units: Doubles, tolerance: float) -> Solved:
    """Minimises ``‖b − a·g‖``, and where that leaves a choice ``‖g / units‖``.

    a : (m, p), columns no longer than about 1.  b : (m, t).  units : (p,), at least 0.
    Singular values of at most ``tolerance · max(1, the largest)`` are taken for 0.
    """
    from scipy.linalg import svd

    if not a.size:
        return Solved(np.zeros((a.shape[1], b.shape[1])), np.zeros(0), 0)
    values = svd(a, compute_uv=False)
    rank = int(np.count_nonzero(values > tolerance * max(1.0, values[0])))
    if rank == 0:
        return Solved(np.zeros((a.shape[1], b.shape[1])), values, rank)
    if rank < a.shape[1]:
        return Solved(_shortest(a, b, units, rank), values, rank)
    both = np.hstack([a, b])
    if np.tril(a, -1).any():
        both = r_factor(both)
    return Solved(substitute(both[:rank, :rank], both[:rank, rank:]), values, rank)


def _shortest(a: Doubles, b: Doubles, units: Doubles, rank: int) -> Doubles:
    """With ``a = U·S·Vᵀ`` cut at the rank: ``g / units`` in the span of ``units·V`` is the shortest."""
    from scipy.linalg import svd

    u, values, vt = svd(a, full_matrices=False)
    u, values, v = u[:, :rank], values[:rank, None], vt[:rank].T
    basis, mixing = np.linalg.qr(units[:, None] * v)
    sizes = np.abs(np.diagonal(mixing))
    coordinates = u.T @ b / values
    if sizes.min() <= np.finfo(np.float64).eps * sizes.max():  # too far apart to be told in these units
        return v @ coordinates
    shortest = units[:, None] * (basis @ substitute(mixing, coordinates, transposed=True))
    # Rounding in the units of one column may be much in those of another: the fit itself is made exact again.
    return shortest + v @ (u.T @ (b - a @ shortest) / values)
