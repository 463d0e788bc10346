"""BATCH_MATMUL: products of int8 matrices, both computed while running or either a constant, batches broadcast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tinykd.compile.fixed_point import INT32_MAX, Rounding, quantize_multiplier, requantize
from tinykd.compile.graph import Array, Graph, Op, Tensor
from tinykd.compile.ops import requirements, sampling
from tinykd.compile.ops.broadcast import AXES, Broadcast, broadcast
from tinykd.compile.ops.operator import Call, Case, Operator
from tinykd.compile.schema import slot
from tinykd.errors import UnsupportedModel


@dataclass(frozen=True)
class BatchMatMulOptions:
    adj_x: int = slot(0, "bool", 0)
    adj_y: int = slot(1, "bool", 0)


@dataclass(frozen=True)
class BatchMatMul:
    """[…, rows, depth] times […, depth, columns].

    Attributes:
        batches: loops over the leading axes; steps count matrices.
        transposed: whether a is stored as [depth, rows], and b as [columns, depth].
    """

    batches: Broadcast
    rows: int
    depth: int
    columns: int
    transposed: tuple[bool, bool]
    a_zero_point: int
    b_zero_point: int
    output_zero_point: int
    multiplier: int
    shift: int


def lower(graph: Graph, op: Op, _: Rounding) -> BatchMatMul:
    requirements.counts(graph, op, (2,))
    a, b = requirements.present(graph, op, 0), requirements.present(graph, op, 1)
    result = graph.tensors[op.outputs[0]]
    a_quant, b_quant = requirements.quantized(graph, op, a), requirements.quantized(graph, op, b)
    outgoing = requirements.quantized(graph, op, result)
    if min(len(a.shape), len(b.shape)) < 2 or not a.elements or not b.elements:
        raise UnsupportedModel(f"{graph.label(op)}: {list(a.shape)} and {list(b.shape)} are not matrices")
    transposed = bool(op.options.adj_x), bool(op.options.adj_y)
    rows, depth = (a.shape[-1], a.shape[-2]) if transposed[0] else a.shape[-2:]
    depth_of_b, columns = (b.shape[-1], b.shape[-2]) if transposed[1] else b.shape[-2:]
    if depth != depth_of_b or depth * 255 * 255 > INT32_MAX - (1 << 16):
        raise UnsupportedModel(f"{graph.label(op)}: {list(a.shape)} and {list(b.shape)} do not multiply within 32 bits")
    requirements.shaped(graph, op, result, (*result.shape[:-2], rows, columns))
    leading = [replace(tensor, shape=tensor.shape[:-2], data=None) for tensor in (a, b, result)]
    # LiteRT multiplies the two input scales in float32
    multiplier, shift = quantize_multiplier(float(np.float32(a_quant.scale) * np.float32(b_quant.scale)) / outgoing.scale)
    if depth * 255 * 255 << max(shift, 0) > INT32_MAX - (1 << 16):
        raise UnsupportedModel(
            f"{graph.label(op)}: the output scale {outgoing.scale:.3g} is too fine", "calibrate with representative data"
        )
    return BatchMatMul(
        batches=broadcast(graph, op, *leading),
        rows=rows,
        depth=depth,
        columns=columns,
        transposed=transposed,
        a_zero_point=a_quant.zero_point,
        b_zero_point=b_quant.zero_point,
        output_zero_point=outgoing.zero_point,
        multiplier=multiplier,
        shift=shift,
    )


def reference(p: BatchMatMul, inputs: Sequence[Array]) -> tuple[Array, ...]:
    # float64 products and sums of these integers stay below 2**53, so they are exact
    a, b = (x.swapaxes(-1, -2) if flip else x for x, flip in zip(inputs, p.transposed))
    total = (a.astype(np.float64) - p.a_zero_point) @ (b.astype(np.float64) - p.b_zero_point)
    scaled = requantize(total.astype(np.int64), p.multiplier, p.shift) + p.output_zero_point
    return (np.clip(scaled, -128, 127).astype(np.int8),)


def call(p: BatchMatMul) -> Call:
    a_bytes, b_bytes = p.rows * p.depth, p.depth * p.columns
    loops = p.batches.fields()
    scaled = {
        name: value * (a_bytes if name.startswith("a_") else b_bytes if name.startswith("b_") else 1) for name, value in loops.items()
    }
    assert len(p.batches.sizes) == AXES
    return Call(
        function="tinykd_batch_matmul_s8",
        struct="tinykd_batch_matmul",
        fields={
            **scaled,
            "rows": p.rows,
            "depth": p.depth,
            "columns": p.columns,
            "a_row_step": 1 if p.transposed[0] else p.depth,
            "a_depth_step": p.rows if p.transposed[0] else 1,
            "b_column_step": p.depth if p.transposed[1] else 1,
            "b_depth_step": 1 if p.transposed[1] else p.columns,
            "a_zero_point": p.a_zero_point,
            "b_zero_point": p.b_zero_point,
            "output_zero_point": p.output_zero_point,
            "output_multiplier": p.multiplier,
            "output_shift": p.shift,
        },
        source="batch_matmul.c",
        inputs=(0, 1),
    )


def macs(p: BatchMatMul) -> int:
    return int(np.prod(p.batches.sizes)) * p.rows * p.depth * p.columns


def cases(rng: np.random.Generator) -> Case:
    rows, depth, columns = (int(size) for size in rng.integers(1, 9, 3))
    batch = tuple(int(size) for size in rng.integers(1, 4, int(rng.integers(0, 4))))
    other = tuple(int(size if rng.random() < 0.6 else 1) for size in batch)[int(rng.integers(0, len(batch) + 1)) :]
    flips = tuple(int(flip) for flip in rng.integers(0, 2, 2))
    a_shape = batch + ((depth, rows) if flips[0] else (rows, depth))
    b_shape = other + ((columns, depth) if flips[1] else (depth, columns))
    a_quant, b_quant = sampling.quant(rng), sampling.quant(rng)
    outgoing = sampling.output_quant(rng, 128 * 60 * a_quant.scale * b_quant.scale * float(np.sqrt(depth)))
    a, b = sampling.int8(rng, a_shape), sampling.int8(rng, b_shape)
    tensors = [
        Tensor("a", a.shape, "int8", a_quant),
        Tensor("b", b.shape, "int8", b_quant),
        Tensor("output", (*batch, rows, columns), "int8", outgoing),
    ]
    return sampling.single("BATCH_MATMUL", BatchMatMulOptions(*flips), tensors, (0, 1), (2,), (a, b))


OPERATOR = Operator(
    kind="BATCH_MATMUL",
    code=126,
    options_code=101,
    options=BatchMatMulOptions,
    summary="products of matrices, transposed or not, batches broadcast",
    lower=lower,
    reference=reference,
    call=call,
    macs=macs,
    cases=cases,
)
