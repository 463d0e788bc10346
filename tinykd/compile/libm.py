"""C's single-precision functions, because LiteRT fills its lookup tables with them.

NumPy's float32 functions are its own and differ in last bits, so the system's libm, which LiteRT also uses, is asked.
Where there is none, the float64 function rounded to float32 stands in; the two differ by a unit in the last place
at most, which reaches an 8-bit table about once in a hundred thousand entries.
"""

from __future__ import annotations

import ctypes
import functools
import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]

_LIBRARIES = ("libm.so.6", "libm.dylib", "ucrtbase.dll")

_DOUBLE: dict[str, Callable[[float], float]] = {
    "expf": math.exp,
    "expm1f": math.expm1,
    "tanhf": math.tanh,
    "erfcf": math.erfc,
    "logf": math.log,
}
"""Stand-ins in float64 for every function that tables need."""


@functools.cache
def _function(name: str) -> Callable[[float], float]:
    for library in _LIBRARIES:
        try:
            found = getattr(ctypes.CDLL(library), name)
        except (OSError, AttributeError):
            continue
        found.argtypes, found.restype = [ctypes.c_float], ctypes.c_float
        single: Callable[[float], float] = found
        return single
    return _DOUBLE[name]


def evaluate(name: str, x: Float32) -> Float32:
    """The C function `name` of every element: `expf`, `expm1f`, `tanhf`, `erfcf` or `logf`. Overflow gives infinity."""
    function = _function(name)

    def guarded(value: float) -> float:
        try:
            return function(value)
        except OverflowError:
            return math.inf

    return np.array([guarded(float(value)) for value in x.ravel()], np.float32).reshape(x.shape)
