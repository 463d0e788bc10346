"""A table that only clamps moves into the clamp of the operator before it."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace

import numpy as np

from tinykd.compile.ops.lookup import Lookup, values
from tinykd.compile.passes.rewriting import merge_pairs, with_parameters
from tinykd.compile.program import Layer, Program


def apply(program: Program) -> Program:
    """RELU and its kin where input and output have one quantization: the table says so itself."""
    return merge_pairs(program, _merged)


def _merged(program: Program, first: Layer, second: Layer) -> Layer | None:
    table, parameters = second.parameters, first.parameters
    if not isinstance(table, Lookup) or not _has_clamp(parameters):
        return None
    kept = _range_of_clamp(table, program.tensor(second.op.inputs[0]).dtype, parameters.clamp)
    if kept is None:
        return None
    return with_parameters(first, first.row, replace(parameters, clamp=kept), first.op.inputs, second.op.outputs)


def _has_clamp(parameters: object) -> bool:
    return is_dataclass(parameters) and any(field.name == "clamp" for field in fields(parameters))


def _range_of_clamp(table: Lookup, dtype: str, clamp: tuple[int, int]) -> tuple[int, int] | None:
    """(low, high) if on every value that `clamp` lets through the table is clip(q, low, high)."""
    if table.table.dtype != np.dtype(dtype):
        return None
    q = values(dtype)
    reached = (q >= clamp[0]) & (q <= clamp[1])
    inputs, results = q[reached], table.table.astype(np.int64)[reached]
    if not inputs.size:
        return None
    low, high = int(results.min()), int(results.max())
    return (low, high) if np.array_equal(results, np.clip(inputs, low, high)) else None
