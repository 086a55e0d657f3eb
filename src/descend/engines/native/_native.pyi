"""descend's native engine."""

from collections.abc import Sequence
from typing import Any

import numpy
import numpy.typing
from numpy.typing import NDArray

class Busy(RuntimeError):
    pass

class Unavailable(RuntimeError):
    pass

def instruction_sets() -> list[str]:
    """Names of the instruction sets this machine can run, best first."""

def selected(instruction_set: str) -> str:
    """The one that is used for this name; the best for an empty one."""

def peak(instruction_set: str, threads: int) -> float:
    """Measured multiply-add peak in float32, 10**9 operations a second."""

def all_finite(values: numpy.typing.NDArray[Any]) -> bool:
    """
    Whether no value of a C-contiguous float32 or float64 array is NaN or infinite.
    """

class Float32Program:
    def __init__(
        self,
        inputs: int,
        layers: Sequence[tuple[int, int, bool, float]],
        loss: tuple[int, float, float, Sequence[float]],
        optimizer: tuple[int, float, float, bool, float, bool, float, float, float, bool, bool],
        instruction_set: str,
        threads: int,
        seed: int,
    ) -> None: ...
    @property
    def instruction_set(self) -> str: ...
    def bind(
        self,
        x: numpy.typing.NDArray[Any]
        | tuple[
            numpy.typing.NDArray[Any],
            numpy.typing.NDArray[numpy.int64],
            numpy.typing.NDArray[numpy.int32],
        ],
        y: numpy.typing.NDArray[Any],
        weight: numpy.typing.NDArray[Any] | None,
        scale: float,
    ) -> None: ...
    def run_order(
        self,
        first_step: int,
        order: tuple[int, int, int, int, bool, bool, numpy.typing.NDArray[numpy.int64] | None],
        rate: numpy.typing.NDArray[numpy.float64],
        decay: numpy.typing.NDArray[numpy.float64],
        clip: float,
        seconds: float,
    ) -> tuple[
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        float,
        int,
    ]: ...
    def run_listed(
        self,
        first_step: int,
        rows: numpy.typing.NDArray[numpy.int64],
        offsets: numpy.typing.NDArray[numpy.int64],
        rate: numpy.typing.NDArray[numpy.float64],
        decay: numpy.typing.NDArray[numpy.float64],
        clip: float,
        seconds: float,
    ) -> tuple[
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        float,
        int,
    ]: ...
    @staticmethod
    def run_together(
        programs: Sequence[Float32Program],
        plans: Sequence[
            tuple[
                int,
                tuple[int, int, int, int, bool, bool, numpy.typing.NDArray[numpy.int64] | None],
                numpy.typing.NDArray[numpy.float64],
                numpy.typing.NDArray[numpy.float64],
                float,
            ]
        ],
        seconds: float,
        threads: int,
    ) -> list[
        tuple[
            numpy.typing.NDArray[numpy.float64],
            numpy.typing.NDArray[numpy.float64],
            numpy.typing.NDArray[numpy.float64],
            numpy.typing.NDArray[numpy.float64],
            float,
            int,
        ]
    ]: ...
    def gradient(
        self, rows: numpy.typing.NDArray[numpy.int64], step: int
    ) -> tuple[float, list[numpy.typing.NDArray[Any]]]: ...
    def output(
        self,
        x: numpy.typing.NDArray[Any]
        | tuple[
            numpy.typing.NDArray[Any],
            numpy.typing.NDArray[numpy.int64],
            numpy.typing.NDArray[numpy.int32],
        ],
        scale: float,
        inverse_link: bool,
        out: numpy.typing.NDArray[Any],
    ) -> None: ...
    def evaluate(
        self,
        x: numpy.typing.NDArray[Any]
        | tuple[
            numpy.typing.NDArray[Any],
            numpy.typing.NDArray[numpy.int64],
            numpy.typing.NDArray[numpy.int32],
        ],
        y: numpy.typing.NDArray[Any],
        weight: numpy.typing.NDArray[Any] | None,
        scale: float,
    ) -> tuple[float, float, float, float]: ...
    def read(self, parameter: int, slot: int) -> numpy.typing.NDArray[Any]: ...
    def write(self, parameter: int, slot: int, values: numpy.typing.NDArray[Any]) -> None: ...
    @property
    def updates(self) -> int: ...
    @updates.setter
    def updates(self, arg: int, /) -> None: ...

class Float64Program:
    def __init__(
        self,
        inputs: int,
        layers: Sequence[tuple[int, int, bool, float]],
        loss: tuple[int, float, float, Sequence[float]],
        optimizer: tuple[int, float, float, bool, float, bool, float, float, float, bool, bool],
        instruction_set: str,
        threads: int,
        seed: int,
    ) -> None: ...
    @property
    def instruction_set(self) -> str: ...
    def bind(
        self,
        x: numpy.typing.NDArray[Any]
        | tuple[
            numpy.typing.NDArray[Any],
            numpy.typing.NDArray[numpy.int64],
            numpy.typing.NDArray[numpy.int32],
        ],
        y: numpy.typing.NDArray[Any],
        weight: numpy.typing.NDArray[Any] | None,
        scale: float,
    ) -> None: ...
    def run_order(
        self,
        first_step: int,
        order: tuple[int, int, int, int, bool, bool, numpy.typing.NDArray[numpy.int64] | None],
        rate: numpy.typing.NDArray[numpy.float64],
        decay: numpy.typing.NDArray[numpy.float64],
        clip: float,
        seconds: float,
    ) -> tuple[
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        float,
        int,
    ]: ...
    def run_listed(
        self,
        first_step: int,
        rows: numpy.typing.NDArray[numpy.int64],
        offsets: numpy.typing.NDArray[numpy.int64],
        rate: numpy.typing.NDArray[numpy.float64],
        decay: numpy.typing.NDArray[numpy.float64],
        clip: float,
        seconds: float,
    ) -> tuple[
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        float,
        int,
    ]: ...
    @staticmethod
    def run_together(
        programs: Sequence[Float64Program],
        plans: Sequence[
            tuple[
                int,
                tuple[int, int, int, int, bool, bool, numpy.typing.NDArray[numpy.int64] | None],
                numpy.typing.NDArray[numpy.float64],
                numpy.typing.NDArray[numpy.float64],
                float,
            ]
        ],
        seconds: float,
        threads: int,
    ) -> list[
        tuple[
            numpy.typing.NDArray[numpy.float64],
            numpy.typing.NDArray[numpy.float64],
            numpy.typing.NDArray[numpy.float64],
            numpy.typing.NDArray[numpy.float64],
            float,
            int,
        ]
    ]: ...
    def gradient(
        self, rows: numpy.typing.NDArray[numpy.int64], step: int
    ) -> tuple[float, list[numpy.typing.NDArray[Any]]]: ...
    def output(
        self,
        x: numpy.typing.NDArray[Any]
        | tuple[
            numpy.typing.NDArray[Any],
            numpy.typing.NDArray[numpy.int64],
            numpy.typing.NDArray[numpy.int32],
        ],
        scale: float,
        inverse_link: bool,
        out: numpy.typing.NDArray[Any],
    ) -> None: ...
    def evaluate(
        self,
        x: numpy.typing.NDArray[Any]
        | tuple[
            numpy.typing.NDArray[Any],
            numpy.typing.NDArray[numpy.int64],
            numpy.typing.NDArray[numpy.int32],
        ],
        y: numpy.typing.NDArray[Any],
        weight: numpy.typing.NDArray[Any] | None,
        scale: float,
    ) -> tuple[float, float, float, float]: ...
    def read(self, parameter: int, slot: int) -> numpy.typing.NDArray[Any]: ...
    def write(self, parameter: int, slot: int, values: numpy.typing.NDArray[Any]) -> None: ...
    @property
    def updates(self) -> int: ...
    @updates.setter
    def updates(self, arg: int, /) -> None: ...

def _programs_alive() -> int:
    """How many there are; tests count leaks."""

def tall_skinny_qr(
    instruction_set: str,
    x: numpy.typing.NDArray[Any],
    y: numpy.typing.NDArray[Any],
    weight: numpy.typing.NDArray[Any] | None,
    scale: float,
    intercept: bool,
    threads: int,
) -> tuple[
    numpy.typing.NDArray[numpy.float64],
    numpy.typing.NDArray[numpy.float64],
    numpy.typing.NDArray[numpy.float64],
    numpy.typing.NDArray[numpy.float64],
]:
    """
    R and Q^T y of the rows sqrt(weight) [1, (x - shift) / scale], a row for each column; squared
    lengths of y outside; shift and scale per column of x and y.
    """

def normal_residual(
    instruction_set: str,
    x: numpy.typing.NDArray[Any],
    y: numpy.typing.NDArray[Any],
    weight: numpy.typing.NDArray[Any] | None,
    scale: float,
    intercept: bool,
    weight_scale: float,
    powers: numpy.typing.NDArray[numpy.float64],
    coefficients: numpy.typing.NDArray[numpy.float64],
    threads: int,
) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]]:
    """
    A^T W (b - A c) as heads and tails, and the weighted sum of squares of b - A c, per target.
    A = [1, x * powers], b = y * powers; W = weight * weight_scale.
    """

def _order(seed: int, step: int, rows: int, replacement: bool) -> NDArray[numpy.int64]: ...
def _kept(
    instruction_set: str, seed: int, step: int, layer: int, rows: int, width: int, rate: float
) -> NDArray[numpy.float64]: ...
def _apply32(
    instruction_set: str, name: str, x: numpy.typing.NDArray[numpy.float32]
) -> numpy.typing.NDArray[numpy.float32]: ...
def _apply64(
    instruction_set: str, name: str, x: numpy.typing.NDArray[numpy.float64]
) -> numpy.typing.NDArray[numpy.float64]: ...
