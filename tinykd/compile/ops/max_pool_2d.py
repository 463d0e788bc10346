"""MAX_POOL_2D: largest value of each window."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Array, Graph, Op
from tinykd.compile.ops import pooling
from tinykd.compile.ops.operator import Call, Case, Operator
from tinykd.compile.ops.pooling import Pool, Pool2DOptions


def lower(graph: Graph, op: Op, _: Rounding) -> Pool:
    return pooling.pool(graph, op)


def reference(p: Pool, inputs: Sequence[Array]) -> tuple[Array, ...]:
    largest = pooling.windows(p, inputs[0], int(np.iinfo(p.dtype).min)).max(axis=3)
    return (np.clip(largest.astype(np.int64), *p.clamp).astype(p.dtype),)


_FUNCTIONS = {"int8": ("tinykd_max_pool_2d_s8", "max_pool_2d.c"), "int16": ("tinykd_max_pool_2d_s16", "max_pool_2d_s16.c")}
"""By dtype."""


def call(p: Pool) -> Call:
    function, source = _FUNCTIONS[p.dtype]
    return Call(function=function, struct="tinykd_pool_2d", fields=dict(p.fields()), source=source)


def macs(_: Pool) -> int:
    return 0


def cases(rng: np.random.Generator) -> Case:
    return pooling.cases(rng, "MAX_POOL_2D")


OPERATOR = Operator(
    kind="MAX_POOL_2D",
    code=17,
    options_code=5,
    options=Pool2DOptions,
    summary="largest value of windows of int8 or int16, any window and stride, fused clamp",
    lower=lower,
    reference=reference,
    call=call,
    macs=macs,
    cases=cases,
    distances=pooling.distances,
)
