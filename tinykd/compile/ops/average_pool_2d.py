"""AVERAGE_POOL_2D: mean of each window, rounded to the nearest integer, ties away from zero (or up, see `Pool2DOptions`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tinykd.compile.fixed_point import INT32_MAX, Int64, Rounding
from tinykd.compile.graph import Array, Graph, Op
from tinykd.compile.ops import pooling
from tinykd.compile.ops.operator import Call, Case, Operator
from tinykd.compile.ops.pooling import Pool, Pool2DOptions
from tinykd.errors import UnsupportedModel


def lower(graph: Graph, op: Op, _: Rounding) -> Pool:
    p = pooling.pool(graph, op)
    if p.rows.kernel * p.columns.kernel > _LARGEST_WINDOWS[p.dtype]:
        raise UnsupportedModel(f"{graph.label(op)}: a window of {p.rows.kernel}x{p.columns.kernel} overflows 32 bits")
    return p


_LARGEST_WINDOWS = {"int8": INT32_MAX // 512, "int16": INT32_MAX // (1 << 16)}
"""Elements whose sum stays within 32 bits."""

_MEANS: dict[str, Callable[[Int64, Int64], Int64]] = {
    "away": lambda total, count: np.sign(total) * ((np.abs(total) + count // 2) // count),
    "up": lambda total, count: (total + count // 2) // count,
}
"""Rounded quotients, by where ties go."""

_FUNCTIONS = {
    ("int8", "away"): ("tinykd_average_pool_2d_s8", "average_pool_2d.c"),
    ("int8", "up"): ("tinykd_average_pool_2d_up_s8", "average_pool_2d_up.c"),
    ("int16", "away"): ("tinykd_average_pool_2d_s16", "average_pool_2d_s16.c"),
}
"""By dtype and where ties go."""


def reference(p: Pool, inputs: Sequence[Array]) -> tuple[Array, ...]:
    x = inputs[0].astype(np.int64)
    total = pooling.windows(p, x, 0).sum(axis=3)
    count = pooling.windows(p, np.ones_like(x), 0).sum(axis=3)
    return (np.clip(_MEANS[p.ties](total, count), *p.clamp).astype(p.dtype),)


def call(p: Pool) -> Call:
    function, source = _FUNCTIONS[p.dtype, p.ties]
    return Call(function=function, struct="tinykd_pool_2d", fields=dict(p.fields()), source=source)


def macs(_: Pool) -> int:
    return 0


def cases(rng: np.random.Generator) -> Case:
    return pooling.cases(rng, "AVERAGE_POOL_2D")


OPERATOR = Operator(
    kind="AVERAGE_POOL_2D",
    code=1,
    options_code=5,
    options=Pool2DOptions,
    summary="mean of windows of int8 or int16, any window and stride, fused clamp",
    lower=lower,
    reference=reference,
    call=call,
    macs=macs,
    cases=cases,
    distances=pooling.distances,
)
