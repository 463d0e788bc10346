"""AVERAGE_POOL_2D: mean of each window, rounded to the nearest integer, ties away from zero."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinykd.compile.fixed_point import INT32_MAX, Rounding
from tinykd.compile.graph import Array, Graph, Op
from tinykd.compile.ops import pooling
from tinykd.compile.ops.operator import Call, Case, Operator
from tinykd.compile.ops.pooling import Pool, Pool2DOptions
from tinykd.errors import UnsupportedModel


def lower(graph: Graph, op: Op, _: Rounding) -> Pool:
    p = pooling.pool(graph, op)
    if p.rows.kernel * p.columns.kernel > INT32_MAX // 256:
        raise UnsupportedModel(f"{graph.label(op)}: a window of {p.rows.kernel}x{p.columns.kernel} overflows 32 bits")
    return p


def reference(p: Pool, inputs: Sequence[Array]) -> tuple[Array, ...]:
    x = inputs[0].astype(np.int64)
    total = pooling.windows(p, x, 0).sum(axis=3)
    count = pooling.windows(p, np.ones_like(x), 0).sum(axis=3)
    mean = np.sign(total) * ((np.abs(total) + count // 2) // count)
    return (np.clip(mean, *p.clamp).astype(np.int8),)


def call(p: Pool) -> Call:
    return Call(function="tinykd_average_pool_2d_s8", struct="tinykd_pool_2d", fields=dict(p.fields()), source="average_pool_2d.c")


def macs(_: Pool) -> int:
    return 0


def cases(rng: np.random.Generator) -> Case:
    return pooling.cases(rng, "AVERAGE_POOL_2D")


OPERATOR = Operator(
    kind="AVERAGE_POOL_2D",
    code=1,
    options_code=5,
    options=Pool2DOptions,
    summary="mean of windows, any window and stride, fused clamp",
    lower=lower,
    reference=reference,
    call=call,
    macs=macs,
    cases=cases,
)
