"""Parameters of 16 bits: half the flash of those of 32, for kernels whose structs have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tinykd.compile.ops.operator import Call, Short, Table

LARGEST_SHORT = (1 << 15) - 1
"""The largest that such a parameter may be."""

WINDOW_MEMBERS = (
    "in_height",
    "in_width",
    "in_channels",
    "out_height",
    "out_width",
    "out_channels",
    "kernel_height",
    "kernel_width",
    "stride_height",
    "stride_width",
    "dilation_height",
    "dilation_width",
    "pad_top",
    "pad_left",
    "input_zero_point",
)
"""The members that the structs of windowed layers have in common with the portable kernels'."""


def shortened(call: Call) -> Call | None:
    """`call` with every integer of its struct as a `Short`; None where one needs more than 16 bits."""
    integers = {name: value for name, value in call.fields.items() if not isinstance(value, Table)}
    if any(not -LARGEST_SHORT <= value <= LARGEST_SHORT for value in integers.values()):
        return None
    fields: Mapping[str, int | Table] = {name: value if isinstance(value, Table) else Short(value) for name, value in call.fields.items()}
    return replace(call, fields=fields)
