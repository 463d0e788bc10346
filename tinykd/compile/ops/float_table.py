"""Tables of real functions, as LiteRT fills them: dequantize, evaluate in float32, quantize."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from tinykd.compile.fixed_point import Int64
from tinykd.compile.graph import Quant, Tensor
from tinykd.compile.ops import lookup
from tinykd.compile.ops.lookup import Lookup

Float32 = npt.NDArray[np.float32]


def tabulate(source: Tensor, incoming: Quant, result: Tensor, outgoing: Quant, function: Callable[[Float32], Float32]) -> Lookup:
    """Source: LiteRT `LUTPopulateInt8`: every step in float32, rounded half away from zero."""

    def transformed(q: Int64) -> Int64:
        real = np.float32(incoming.scale) * (q - incoming.zero_point).astype(np.float32)
        inverse = np.float32(1) / np.float32(outgoing.scale)
        with np.errstate(over="ignore"):
            scaled = np.clip(function(real) * inverse, np.float32(-1e6), np.float32(1e6))
        whole = np.trunc(scaled)
        rest = scaled - whole
        return np.asarray(whole.astype(np.int64) + (rest >= 0.5) - (rest <= -0.5) + outgoing.zero_point, np.int64)

    return lookup.lookup(source, result, transformed)
