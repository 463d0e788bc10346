"""Two operators on single bytes in a row are one: the second table applied to the first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinykd.compile.ops.lookup import Lookup
from tinykd.compile.passes.rewriting import merge_pairs, with_parameters
from tinykd.compile.program import Layer, Program


def apply(program: Program) -> Program:
    """QUANTIZE, activations and everything else that is a table."""
    return merge_pairs(program, _merged)


def _merged(_: Program, first: Layer, second: Layer) -> Layer | None:
    one, two = first.parameters, second.parameters
    if not isinstance(one, Lookup) or not isinstance(two, Lookup):
        return None
    table = two.table[one.table.view(np.uint8)]
    return with_parameters(second, second.row, replace(two, table=table), (first.op.inputs[0],), second.op.outputs)
