"""L2_NORMALIZATION: every row divided by its Euclidean length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import INT32_MAX, Rounding, requantize
from tinykd.compile.graph import Array, Graph, Op, Quant, Tensor
from tinykd.compile.inverse_root import inverse_root
from tinykd.compile.ops import requirements, sampling
from tinykd.compile.ops.operator import Call, Case, Operator
from tinykd.compile.ops.rows import Rows
from tinykd.compile.schema import slot
from tinykd.errors import UnsupportedModel


@dataclass(frozen=True)
class L2NormOptions:
    fused_activation: int = slot(0, "int8", 0)


@dataclass(frozen=True)
class L2Normalization(Rows):
    """Rows of `depth`; the output has scale 1/128 and zero point 0."""

    input_zero_point: int


def lower(graph: Graph, op: Op, _: Rounding) -> L2Normalization:
    requirements.counts(graph, op, (1,))
    source, result = requirements.present(graph, op, 0), graph.tensors[op.outputs[0]]
    incoming, outgoing = requirements.quantized(graph, op, source), requirements.quantized(graph, op, result)
    requirements.shaped(graph, op, result, source.shape)
    if not source.shape or not source.elements or source.shape[-1] * 255 * 255 > INT32_MAX:
        raise UnsupportedModel(f"{graph.label(op)}: rows of '{source.name}' {list(source.shape)} are empty or overflow 32 bits")
    if outgoing.scale != 1 / 128 or outgoing.zero_point != 0 or op.options.fused_activation:
        raise UnsupportedModel(
            f"{graph.label(op)}: the output has scale {outgoing.scale} and zero point {outgoing.zero_point}, not 1/128 and 0"
        )
    return L2Normalization(source.shape, incoming.zero_point)


def reference(p: L2Normalization, inputs: Sequence[Array]) -> tuple[Array, ...]:
    """Source: LiteRT `reference_integer_ops::L2Normalization`."""
    x = inputs[0].reshape(p.rows, p.depth).astype(np.int64) - p.input_zero_point
    pairs = [inverse_root(int(total)) for total in (x * x).sum(axis=1)]
    multipliers, shifts = (np.array(part, np.int64)[:, None] for part in zip(*pairs))
    return (np.clip(requantize(x, multipliers, shifts + 7), -128, 127).astype(np.int8).reshape(p.shape),)


def call(p: L2Normalization) -> Call:
    return Call(
        function="tinykd_l2_normalization_s8",
        struct="tinykd_l2_normalization",
        fields={"rows": p.rows, "depth": p.depth, "input_zero_point": p.input_zero_point},
        source="l2_normalization.c",
    )


def macs(p: L2Normalization) -> int:
    return p.rows * p.depth


def cases(rng: np.random.Generator) -> Case:
    shape = tuple(int(size) for size in (*rng.integers(1, 4, int(rng.integers(0, 4))), rng.choice([1, 2, 3, 17, 64, 300])))
    zero_point = int(rng.integers(-128, 128))
    spread = int(rng.choice([1, 3, 300]))
    x = np.clip(zero_point + rng.integers(-spread, spread + 1, shape), -128, 127).astype(np.int8)
    x[rng.random(shape[:-1]) < 0.2] = zero_point  # rows of length 0
    tensors = [
        Tensor("input", shape, "int8", Quant((0.05,), (zero_point,))),
        Tensor("output", shape, "int8", Quant((1 / 128,), (0,))),
    ]
    return sampling.single("L2_NORMALIZATION", L2NormOptions(), tensors, (0,), (1,), (x,))


OPERATOR = Operator(
    kind="L2_NORMALIZATION",
    code=11,
    options_code=12,
    options=L2NormOptions,
    summary="rows divided by their Euclidean length",
    lower=lower,
    reference=reference,
    call=call,
    macs=macs,
    cases=cases,
)
