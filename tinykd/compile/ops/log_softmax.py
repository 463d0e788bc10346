"""LOG_SOFTMAX: x less the logarithm of the sum of exponentials along the last axis, in fixed point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile import exponential
from tinykd.compile.fixed_point import INT32_MAX, INT32_MIN, Rounding, quantize_multiplier, requantize, rounding_shift_right
from tinykd.compile.graph import Array, Graph, Op, Quant, Tensor
from tinykd.compile.ops import requirements, sampling, softmax
from tinykd.compile.ops.operator import Call, Case, Operator, Table
from tinykd.compile.ops.rows import Rows
from tinykd.errors import UnsupportedModel

_LONGEST_ROW = 4095
"""So many exponentials of 1 fit a sum in Q12.19."""


@dataclass(frozen=True, eq=False)
class LogSoftmax(Rows):
    """Integers of a log-softmax over rows of `depth`; the output has scale 1/16 and zero point 127.

    Attributes:
        exponentials: [entries] as in softmax, with a beta of 1.
        scale: multiplier and shift from quanta to Q5.26.
        reverse: multiplier and shift from Q5.26 to quanta.
        floor: differences from the row's largest value at or below this give -128.
    """

    exponentials: Array
    scale: tuple[int, int]
    reverse: tuple[int, int]
    floor: int


def lower(graph: Graph, op: Op, _: Rounding) -> LogSoftmax:
    """Source: LiteRT `LogSoftmaxPrepare` and `PreprocessLogSoftmaxScalingExp`."""
    requirements.counts(graph, op, (1,))
    source, result = requirements.present(graph, op, 0), graph.tensors[op.outputs[0]]
    incoming, outgoing = requirements.quantized(graph, op, source), requirements.quantized(graph, op, result)
    requirements.shaped(graph, op, result, source.shape)
    if not source.shape or not source.elements or source.shape[-1] > _LONGEST_ROW:
        raise UnsupportedModel(f"{graph.label(op)}: '{source.name}' {list(source.shape)} has no rows of 1 to {_LONGEST_ROW} values")
    if outgoing.scale != 16 / 256 or outgoing.zero_point != 127:
        raise UnsupportedModel(
            f"{graph.label(op)}: the output has scale {outgoing.scale} and zero point {outgoing.zero_point}, not 1/16 and 127"
        )
    multiplier, shift = quantize_multiplier(min(incoming.scale * (1 << 26), float(INT32_MAX)))
    if shift < 2:
        raise UnsupportedModel(f"{graph.label(op)}: the input scale {incoming.scale:.3g} is too fine")
    return LogSoftmax(
        shape=source.shape,
        exponentials=softmax.exponentials(1.0, incoming.scale),
        scale=(multiplier, shift),
        reverse=quantize_multiplier((1 << (31 - shift)) / multiplier),
        floor=-(31 * (1 << 26) >> shift) - 1,
    )


def reference(p: LogSoftmax, inputs: Sequence[Array]) -> tuple[Array, ...]:
    """Source: LiteRT `reference_integer_ops::LogSoftmax`."""
    rows = inputs[0].reshape(p.rows, p.depth).astype(np.int64)
    differences = rows - rows.max(axis=1, keepdims=True)
    table = np.zeros(256, np.int64)
    table[: p.exponentials.size] = p.exponentials
    total = rounding_shift_right(table[-differences], np.int64(12)).sum(axis=1, keepdims=True)
    logarithm = exponential.log_of_sum(total)
    floor = np.maximum(p.floor, requantize(logarithm + INT32_MIN, *p.reverse))
    above = differences > floor
    scaled = requantize(np.where(above, differences, 0), *p.scale)
    outputs = np.clip(rounding_shift_right(scaled - logarithm, np.int64(22)) + 127, -128, 127)
    return (np.where(above, outputs, -128).astype(np.int8).reshape(p.shape),)


def call(p: LogSoftmax) -> Call:
    return Call(
        function="tinykd_log_softmax_s8",
        struct="tinykd_log_softmax",
        fields={
            "rows": p.rows,
            "depth": p.depth,
            "multiplier": p.scale[0],
            "shift": p.scale[1],
            "reverse_multiplier": p.reverse[0],
            "reverse_shift": p.reverse[1],
            "floor": p.floor,
            "entries": int(p.exponentials.size),
            "exponentials": Table("int32_t", p.exponentials),
        },
        source="log_softmax.c",
    )


def macs(_: LogSoftmax) -> int:
    return 0


def cases(rng: np.random.Generator) -> Case:
    shape = tuple(int(size) for size in (*rng.integers(1, 4, int(rng.integers(0, 4))), rng.choice([1, 2, 3, 10, 12, 33, 100, 300])))
    x = sampling.int8(rng, shape)
    x[rng.random(shape[:-1]) < 0.2] = int(rng.integers(-128, 128))  # rows of equal values
    scale = float(np.float32(np.exp(rng.uniform(np.log(1e-3), np.log(2.0)))))
    tensors = [
        Tensor("input", shape, "int8", Quant((scale,), (int(rng.integers(-128, 128)),))),
        Tensor("output", shape, "int8", Quant((16 / 256,), (127,))),
    ]
    return sampling.single("LOG_SOFTMAX", None, tensors, (0,), (1,), (x,))


OPERATOR = Operator(
    kind="LOG_SOFTMAX",
    code=50,
    options_code=0,
    options=None,
    summary="logarithm of softmax along the last axis",
    lower=lower,
    reference=reference,
    call=call,
    macs=macs,
    cases=cases,
)
