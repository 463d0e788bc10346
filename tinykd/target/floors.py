"""The fewest instructions that a kernel can need on a core: what its loop must load, multiply and add, nothing else.

A floor is a bound for one way of computing, with the registers that the core has. It leaves out the loop's own counting and
branching, addresses and borders, so no whole layer reaches it; how far one is above it says where time can still be won.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["pointwise", "convolution", "depthwise", "dense", "elementwise"]
"""1x1 convolutions, larger ones, depthwise ones, FULLY_CONNECTED, and all that multiplies nothing."""


@dataclass(frozen=True)
class Floor:
    """Instructions.

    Attributes:
        mac: for each multiply-accumulate.
        output: for each element of the output: requantized and stored; where nothing is multiplied, for each element of the larger of
            input and output.
    """

    mac: float
    output: float


FLOORS: dict[str, dict[Kind, Floor]] = {
    # Two pixels and two filters, 4 taps: windows are halfwords already, filters halfwords of which one comes of the other by SXTB16
    # (tinykd/dot.h): 2 loads of several words, 2 SXTB16, 8 SMLAD for 16. Dense: the input's word and two SXTB16 serve four
    # filters: 1 load of their words, 4 SXTB16, 8 SMLAD: 16 for 16. Depthwise: two taps of two columns, words widened once for
    # three rows. An output: doubling, SMMLAR, sign, shift, SSAT, STRB. Without products: a word, two SXTB16, two additions for 4.
    "dsp": {
        "pointwise": Floor(12 / 16, 6),
        "convolution": Floor(12 / 16, 6),
        "dense": Floor(16 / 16, 6),
        "depthwise": Floor(2.0, 6),
        "elementwise": Floor(0, 5 / 4),
    },
    # Two pixels that stay in registers and two filters: 2 loads of 16 bytes, 4 VMLAVA of 16. Dense: 1 load, 1 VMLAVA. Depthwise: a
    # widening load of 4 inputs, one of 4 weights, one VMLA. An output: a quarter of ten vector instructions. Without products: a
    # load and an addition for 16.
    "mve": {
        "pointwise": Floor(6 / 64, 2.5),
        "convolution": Floor(6 / 64, 2.5),
        "dense": Floor(2 / 16, 2.5),
        "depthwise": Floor(3 / 4, 2.5),
        "elementwise": Floor(0, 1 / 8),
    },
    # Two pixels and four filters: 6 LDRSB and 8 MLA. Dense: an input and 4 weights loaded, 4 MLA. Depthwise: a weight serves two pixels.
    "thumb2": {
        "pointwise": Floor(14 / 8, 9),
        "convolution": Floor(14 / 8, 9),
        "dense": Floor(9 / 4, 9),
        "depthwise": Floor(2.5, 9),
        "elementwise": Floor(0, 2),
    },
    # An input for two filters, in eight registers: 3 loads, 2 MULS that eat a weight each, 2 ADDS; 64-bit products by hand.
    "thumb": {
        "pointwise": Floor(3.5, 24),
        "convolution": Floor(3.5, 24),
        "dense": Floor(3.5, 24),
        "depthwise": Floor(4.0, 24),
        "elementwise": Floor(0, 2),
    },
    # 2x2 blocks: 4 LB, 4 MUL, 4 ADD for 4; MULH for the requantization.
    "rv32": {
        "pointwise": Floor(3.0, 12),
        "convolution": Floor(3.0, 12),
        "dense": Floor(13 / 4, 12),
        "depthwise": Floor(3.5, 12),
        "elementwise": Floor(0, 2),
    },
}
"""By what the core can do, then by kind of layer."""

CORES: dict[str, str] = {
    "cortex-m0plus": "thumb",
    "cortex-m3": "thumb2",
    "cortex-m4": "dsp",
    "cortex-m7": "dsp",
    "cortex-m33": "dsp",
    "cortex-m55": "mve",
    "rv32imac": "rv32",
    "rv32imc": "rv32",
}
"""The row of `FLOORS` that holds for a core."""


def floor(core: str, kind: Kind, macs: int, elements: int) -> int:
    """The fewest instructions of a layer with so many multiply-accumulates on `core`; 0 for the host.

    Args:
        elements: of the output; where nothing is multiplied, of the larger of input and output.
    """
    if core not in CORES:
        return 0
    least = FLOORS[CORES[core]][kind]
    return round(least.mac * macs + least.output * elements)
