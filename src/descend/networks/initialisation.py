"""Initial weights: what is drawn, from which stream, and the drawing itself.

With fan_in inputs and fan_out outputs of a dense layer:

- ``zeros``        every weight 0 (hidden units then stay alike: symmetry is never broken)
- ``normal(std)``  normal with mean 0 and standard deviation std; plain ``normal`` means 0.01
- ``glorot``       uniform in ±√(6 / (fan_in + fan_out)); X. Glorot, Y. Bengio, AISTATS 2010, eq. 16
- ``he``           uniform in ±√(6 / fan_in); K. He et al., ICCV 2015, eq. 10 for the variance
- ``auto``         ``he`` before relu and gelu, ``glorot`` otherwise

Biases start at 0. Weights are drawn in float64, layer by layer in row order, and rounded to the
program's dtype. Only + − × ÷ √ take part, so every machine draws the same bits.
"""

from __future__ import annotations

import math
import re

import numpy as np
from numpy.typing import NDArray

from descend import streams
from descend.errors import OptionError, choices

SCHEMES = ("auto", "zeros", "normal", "normal(std)", "glorot", "he")
_NORMAL = re.compile(r"normal(?:\((.+)\))?")
_DEFAULT_STD = 0.01


def check_init(scheme: object) -> str:
    """The scheme itself. Raises OptionError with the choices for an unknown one."""
    if isinstance(scheme, str):
        if scheme in ("auto", "zeros", "glorot", "he"):
            return scheme
        if _NORMAL.fullmatch(scheme):
            normal_std(scheme)
            return scheme
    raise OptionError(f"unknown init {scheme!r}; {choices(scheme, SCHEMES)}")


def normal_std(scheme: str) -> float:
    """Standard deviation that ``normal`` or ``normal(std)`` names."""
    match = _NORMAL.fullmatch(scheme)
    text = match.group(1) if match else None
    if text is None:
        return _DEFAULT_STD
    try:
        std = float(text)
    except ValueError:
        std = math.nan
    if not (math.isfinite(std) and std >= 0):
        raise OptionError(f"init {scheme!r}: std must be a finite number of at least 0")
    return std


def draw_weight(
    scheme: str, activation: str, fan_in: int, fan_out: int, seed: int, layer: int
) -> NDArray[np.float64]:
    """One weight matrix, (fan_in, fan_out) float64.

    ``layer`` is the layer's place among the layers that have parameters.
    """
    if scheme == "auto":
        scheme = "he" if activation in ("relu", "gelu", "gelu_tanh") else "glorot"
    if scheme == "zeros":
        return np.zeros((fan_in, fan_out))
    units = streams.uniform(seed, streams.INITIAL, 0, layer, fan_in * fan_out)
    if scheme == "glorot":
        bound = math.sqrt(6.0 / (fan_in + fan_out))
    elif scheme == "he":
        bound = math.sqrt(6.0 / fan_in)
    else:
        return (normal_std(scheme) * _normal_quantile(units)).reshape(fan_in, fan_out)
    return (bound * (2.0 * units - 1.0)).reshape(fan_in, fan_out)


# Coefficients of algorithm AS 241 (PPND16): M. Wichura, Applied Statistics 37 (1988) 477–484.
_CENTRE = (
    (2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
     13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608),
    (5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
     5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0),
)  # fmt: skip
_TAIL = (
    (7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177,
     1.27045825245236838258, 3.64784832476320460504, 5.7694972214606914055,
     4.6303378461565452959, 1.42343711074968357734),
    (1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966,
     0.14810397642748007459, 0.68976733498510000455, 1.6763848301838038494,
     2.05319162663775882187, 1.0),
)  # fmt: skip
_FAR_TAIL = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386,
     0.026532189526576123093, 0.29656057182850489123, 1.7848265399172913358,
     5.4637849111641143699, 6.6579046435011037772),
    (2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5,
     7.868691311456132591e-4, 0.0148753612908506148525, 0.13692988092273580531,
     0.59983220655588793769, 1.0),
)  # fmt: skip


def _normal_quantile(units: NDArray[np.float64]) -> NDArray[np.float64]:
    """Φ⁻¹ at units + 2⁻⁵⁴, kept inside (0, 1)."""
    probability = np.minimum(units + 2.0**-54, 1.0 - 2.0**-53)
    centred = probability - 0.5
    inside = np.abs(centred) <= 0.425
    squared = 0.180625 - centred * centred
    result = centred * _ratio(_CENTRE, np.where(inside, squared, 0.0))
    tail = np.where(inside, 0.5, np.minimum(probability, 1.0 - probability))
    root = np.sqrt(-_log(tail))
    far = root > 5.0
    distance = np.where(
        far,
        _ratio(_FAR_TAIL, np.where(far, root - 5.0, 0.0)),
        _ratio(_TAIL, np.where(far, 0.0, root - 1.6)),
    )
    return np.where(inside, result, np.where(centred < 0, -distance, distance))


def _ratio(
    coefficients: tuple[tuple[float, ...], tuple[float, ...]], at: NDArray[np.float64]
) -> NDArray[np.float64]:
    top, bottom = (np.zeros_like(at) + row[0] for row in coefficients)
    for above, below in zip(coefficients[0][1:], coefficients[1][1:], strict=True):
        top = top * at + above
        bottom = bottom * at + below
    return top / bottom


def _log(positive: NDArray[np.float64]) -> NDArray[np.float64]:
    """Natural logarithm to about 1e-16 by plain arithmetic, for NumPy's own differs by machine."""
    mantissa, exponent = np.frexp(positive)
    small = mantissa < math.sqrt(0.5)
    mantissa = np.where(small, 2.0 * mantissa, mantissa)
    exponent = np.where(small, exponent - 1, exponent)
    s = (mantissa - 1.0) / (mantissa + 1.0)  # log m = 2 artanh s, |s| < 0.172
    squared = s * s
    series = np.zeros_like(s)
    for odd in range(23, 0, -2):
        series = series * squared + 1.0 / odd
    return exponent * 0.6931471805599453 + 2.0 * s * series
