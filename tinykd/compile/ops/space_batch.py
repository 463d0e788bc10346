"""SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: pixels of one phase of a block become an image of the batch, and back.

Converters wrap them around a convolution to dilate it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import ITEM_BYTES, Array, Graph, Op, Tensor
from tinykd.compile.ops import requirements, sampling
from tinykd.compile.ops.operator import Call, Case, Operator
from tinykd.errors import UnsupportedModel


@dataclass(frozen=True)
class SpaceBatch:
    """The full image [batch, height, width, channels] and its [blocks * batch, small_height, small_width, channels] phases.

    Attributes:
        block: (height, width) of a block.
        pad: elements by which the phases reach beyond the image, before its first row and column.
        value: what is there, when the phases are written.
        output_shape: of the operator.
    """

    batch: int
    height: int
    width: int
    channels: int
    block: tuple[int, int]
    small: tuple[int, int]
    pad: tuple[int, int]
    value: int
    output_shape: tuple[int, ...]


def _lower(graph: Graph, op: Op, full: Tensor, phases: Tensor) -> SpaceBatch:
    source, result = requirements.present(graph, op, 0), graph.tensors[op.outputs[0]]
    outgoing = requirements.quantized(graph, op, result, ("int8", "int16"))
    requirements.quantized(graph, op, source, (result.dtype,))
    block = requirements.constant(graph, op, requirements.present(graph, op, 1), ("int32",)).ravel().tolist()
    borders = requirements.constant(graph, op, requirements.present(graph, op, 2), ("int32",)).tolist()
    spatial = len(full.shape) - 2
    uneven = len(phases.shape) != len(full.shape) or len(block) != spatial or np.shape(borders) != (spatial, 2)
    if spatial not in (1, 2) or uneven or min(block) < 1:
        raise UnsupportedModel(f"{graph.label(op)}: blocks of {block} do not fit {list(full.shape)}")
    blocks, pads = [*block, 1][:2], [*borders, [0, 0]][:2]
    batch, height, *rest = full.shape
    width, channels = (rest[0], rest[1]) if spatial == 2 else (1, rest[0])
    small = (phases.shape[1], phases.shape[2] if spatial == 2 else 1)
    fits = all(before + size + after == part * step for size, part, step, (before, after) in zip((height, width), small, blocks, pads))
    if not fits or phases.shape[0] != batch * blocks[0] * blocks[1] or phases.shape[-1] != channels or not full.elements:
        raise UnsupportedModel(
            f"{graph.label(op)}: {list(full.shape)} and {list(phases.shape)} do not fit blocks of {block} with {borders}"
        )
    return SpaceBatch(
        batch=batch,
        height=height,
        width=width,
        channels=channels * ITEM_BYTES[full.dtype],
        block=(blocks[0], blocks[1]),
        small=small,
        pad=(pads[0][0], pads[1][0]),
        value=outgoing.zero_point,
        output_shape=result.shape,
    )


def lower_to_batch(graph: Graph, op: Op, _: Rounding) -> SpaceBatch:
    requirements.counts(graph, op, (3,))
    return _lower(graph, op, requirements.present(graph, op, 0), graph.tensors[op.outputs[0]])


def lower_to_space(graph: Graph, op: Op, _: Rounding) -> SpaceBatch:
    requirements.counts(graph, op, (3,))
    return _lower(graph, op, graph.tensors[op.outputs[0]], requirements.present(graph, op, 0))


def _bytes(x: Array) -> Array:
    return np.ascontiguousarray(x).reshape(-1).view(np.int8)


def _elements(p: SpaceBatch, moved: Array, like: Array) -> Array:
    """Bytes that were moved, as the output's elements."""
    return np.ascontiguousarray(moved).reshape(-1).view(like.dtype).reshape(p.output_shape)


def to_batch(p: SpaceBatch, inputs: Sequence[Array]) -> tuple[Array, ...]:
    """SPACE_TO_BATCH_ND in NumPy."""
    (high, wide), (rows, columns) = p.block, p.small
    padded = np.full((p.batch, rows * high, columns * wide, p.channels), p.value, np.int8)
    padded[:, p.pad[0] : p.pad[0] + p.height, p.pad[1] : p.pad[1] + p.width] = _bytes(inputs[0]).reshape(p.batch, p.height, p.width, -1)
    split = padded.reshape(p.batch, rows, high, columns, wide, p.channels)
    return (_elements(p, split.transpose(2, 4, 0, 1, 3, 5), inputs[0]),)


def to_space(p: SpaceBatch, inputs: Sequence[Array]) -> tuple[Array, ...]:
    """BATCH_TO_SPACE_ND in NumPy."""
    (high, wide), (rows, columns) = p.block, p.small
    phases = _bytes(inputs[0]).reshape(high, wide, p.batch, rows, columns, p.channels)
    full = phases.transpose(2, 3, 0, 4, 1, 5).reshape(p.batch, rows * high, columns * wide, p.channels)
    cut = full[:, p.pad[0] : p.pad[0] + p.height, p.pad[1] : p.pad[1] + p.width]
    return (_elements(p, cut, inputs[0]),)


def _call(p: SpaceBatch, name: str) -> Call:
    return Call(
        function=f"tinykd_{name}",
        struct="tinykd_space_batch",
        fields={
            "batch": p.batch,
            "height": p.height,
            "width": p.width,
            "channels": p.channels,
            "block_height": p.block[0],
            "block_width": p.block[1],
            "small_height": p.small[0],
            "small_width": p.small[1],
            "pad_top": p.pad[0],
            "pad_left": p.pad[1],
            "value": p.value & 0xFF,
        },
        source=f"{name}.c",
    )


def call_to_batch(p: SpaceBatch) -> Call:
    return _call(p, "space_to_batch")


def call_to_space(p: SpaceBatch) -> Call:
    return _call(p, "batch_to_space")


def macs(_: SpaceBatch) -> int:
    return 0


def _case(rng: np.random.Generator, kind: str) -> Case:
    spatial = int(rng.choice([1, 2, 2]))
    block = rng.integers(1, 4, spatial)
    small, batch, channels = rng.integers(1, 5, spatial), int(rng.integers(1, 3)), int(rng.integers(1, 5))
    room = small * block - 1
    before = np.minimum(rng.integers(0, 3, spatial), room)
    after = np.minimum(rng.integers(0, 3, spatial), room - before)
    full = (batch, *(int(size) for size in small * block - before - after), channels)
    phases = (batch * int(block.prod()), *(int(size) for size in small), channels)
    shapes = (full, phases) if kind == "SPACE_TO_BATCH_ND" else (phases, full)
    dtype = str(rng.choice(["int8", "int8", "int16"]))
    x, quant = sampling.integers(rng, shapes[0], dtype), sampling.quant_for(sampling.quant(rng), dtype)
    borders = np.stack([before, after], axis=1).astype(np.int32)
    tensors = [
        Tensor("input", shapes[0], dtype, quant),
        Tensor("block", block.shape, "int32", None, block.astype(np.int32)),
        Tensor("borders", borders.shape, "int32", None, borders),
        Tensor("output", shapes[1], dtype, quant),
    ]
    return sampling.single(kind, None, tensors, (0, 1, 2), (3,), (x,))


def cases_to_batch(rng: np.random.Generator) -> Case:
    return _case(rng, "SPACE_TO_BATCH_ND")


def cases_to_space(rng: np.random.Generator) -> Case:
    return _case(rng, "BATCH_TO_SPACE_ND")


SPACE_TO_BATCH_ND = Operator(
    kind="SPACE_TO_BATCH_ND",
    code=38,
    options_code=0,
    options=None,
    summary="phases of blocks become images, int8 or int16, one or two spatial axes",
    lower=lower_to_batch,
    reference=to_batch,
    call=call_to_batch,
    macs=macs,
    cases=cases_to_batch,
)
BATCH_TO_SPACE_ND = Operator(
    kind="BATCH_TO_SPACE_ND",
    code=37,
    options_code=0,
    options=None,
    summary="images become phases of blocks, int8 or int16, one or two spatial axes",
    lower=lower_to_space,
    reference=to_space,
    call=call_to_space,
    macs=macs,
    cases=cases_to_space,
)
