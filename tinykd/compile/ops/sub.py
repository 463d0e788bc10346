"""SUB: difference of two int8 or int16 tensors with their own scales, with broadcasting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.graph import Array
from tinykd.compile.ops import add
from tinykd.compile.ops.add import Sum
from tinykd.compile.ops.broadcast import distances
from tinykd.compile.ops.operator import Call, Case, Operator
from tinykd.compile.schema import slot


@dataclass(frozen=True)
class SubOptions:
    fused_activation: int = slot(0, "int8", 0)
    pot_scale_int16: int = slot(1, "bool", 1)


def reference(p: Sum, inputs: Sequence[Array]) -> tuple[Array, ...]:
    return (add.finish(p, p.a(inputs[0]) - p.b(inputs[1])),)


def call(p: Sum) -> Call:
    return add.call_of(p, "sub")


def cases(rng: np.random.Generator) -> Case:
    return add.case(rng, "SUB", SubOptions)


OPERATOR = Operator(
    kind="SUB",
    code=41,
    options_code=28,
    options=SubOptions,
    summary="difference with broadcasting, fused clamp",
    lower=add.lower,
    reference=reference,
    call=call,
    macs=add.macs,
    cases=cases,
    distances=distances,
)
