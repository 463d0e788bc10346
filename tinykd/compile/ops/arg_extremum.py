"""ARG_MAX and ARG_MIN: the first index of the largest or smallest value along an axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Array, Graph, Op, Tensor
from tinykd.compile.ops import requirements, sampling
from tinykd.compile.ops.operator import Call, Case, Operator
from tinykd.compile.schema import TYPE_CODES, slot
from tinykd.errors import UnsupportedModel


@dataclass(frozen=True)
class ArgOptions:
    output_type: int = slot(0, "int8", 0)


@dataclass(frozen=True)
class ArgExtremum:
    """A search along the middle axis of [outer, size, inner]."""

    outer: int
    size: int
    inner: int
    output_shape: tuple[int, ...]
    dtype: str


_SUFFIXES = {"int32": "s32", "int64": "s64"}


def lower(graph: Graph, op: Op, _: Rounding) -> ArgExtremum:
    requirements.counts(graph, op, (2,))
    source, result = requirements.present(graph, op, 0), graph.tensors[op.outputs[0]]
    if source.dtype != "int8" or result.dtype not in _SUFFIXES or not source.elements:
        raise UnsupportedModel(f"{graph.label(op)}: the kernel takes int8 and makes int32 or int64, not {source.dtype} and {result.dtype}")
    listed = requirements.constant(graph, op, requirements.present(graph, op, 1), ("int32", "int64"))
    axis = requirements.axis_of(graph, op, int(listed.ravel()[0]), len(source.shape))
    outer, inner = source.shape[:axis], source.shape[axis + 1 :]
    requirements.shaped(graph, op, result, (*outer, *inner))
    return ArgExtremum(math.prod(outer), source.shape[axis], math.prod(inner), result.shape, result.dtype)


def macs(_: ArgExtremum) -> int:
    return 0


def _operator(kind: str, code: int, options_code: int, function: Callable[..., Array]) -> Operator[ArgExtremum]:
    name = kind.lower()

    def reference(p: ArgExtremum, inputs: Sequence[Array]) -> tuple[Array, ...]:
        found = function(inputs[0].reshape(p.outer, p.size, p.inner), axis=1)
        return (np.asarray(found).reshape(p.output_shape).astype(p.dtype),)

    def call(p: ArgExtremum) -> Call:
        return Call(
            function=f"tinykd_{name}_{_SUFFIXES[p.dtype]}",
            struct="tinykd_arg_extremum",
            fields={"outer": p.outer, "size": p.size, "inner": p.inner},
            source=f"{name}.c",
        )

    def cases(rng: np.random.Generator) -> Case:
        shape = tuple(int(size) for size in rng.integers(1, 8, int(rng.integers(1, 5))))
        axis = int(rng.integers(0, len(shape)))
        x = sampling.int8(rng, shape, low=-128 if rng.random() < 0.5 else 120)  # few values: the first of equals counts
        dtype = str(rng.choice(list(_SUFFIXES)))
        listed = np.array([axis - len(shape) if rng.random() < 0.3 else axis], np.int32)
        tensors = [
            Tensor("input", shape, "int8", sampling.quant(rng)),
            Tensor("axis", (1,), "int32", None, listed),
            Tensor("output", shape[:axis] + shape[axis + 1 :], dtype),
        ]
        return sampling.single(kind, ArgOptions(TYPE_CODES[dtype]), tensors, (0, 1), (2,), (x,))

    return Operator(
        kind=kind,
        code=code,
        options_code=options_code,
        options=ArgOptions,
        summary=f"index of the {'largest' if kind == 'ARG_MAX' else 'smallest'} value along an axis",
        lower=lower,
        reference=reference,
        call=call,
        macs=macs,
        cases=cases,
    )


ARG_MAX = _operator("ARG_MAX", 56, 40, np.argmax)
ARG_MIN = _operator("ARG_MIN", 79, 57, np.argmin)
