"""SPACE_TO_DEPTH and DEPTH_TO_SPACE: blocks of pixels become channels, and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Array, Graph, Op, Tensor
from tinykd.compile.ops import requirements, sampling, strided_copy
from tinykd.compile.ops.operator import Case, Operator
from tinykd.compile.ops.strided_copy import StridedCopy
from tinykd.compile.schema import slot
from tinykd.errors import UnsupportedModel


@dataclass(frozen=True)
class BlockOptions:
    block_size: int = slot(0, "int32", 0)


def _to_depth(x: Array, block: int) -> Array:
    batch, height, width, channels = x.shape
    return np.transpose(x.reshape(batch, height // block, block, width // block, block, channels), (0, 1, 3, 2, 4, 5))


def _to_space(x: Array, block: int) -> Array:
    batch, height, width, channels = x.shape
    return np.transpose(x.reshape(batch, height, width, block, block, channels // block**2), (0, 1, 3, 2, 4, 5))


def _operator(kind: str, code: int, options_code: int, summary: str, rearrange: Callable[[Array, int], Array]) -> Operator[StridedCopy]:
    deeper = kind == "SPACE_TO_DEPTH"

    def output_shape(shape: tuple[int, ...], block: int) -> tuple[int, ...]:
        batch, height, width, channels = shape
        if deeper:
            return batch, height // block, width // block, channels * block**2
        return batch, height * block, width * block, channels // block**2

    def lower(graph: Graph, op: Op, _: Rounding) -> StridedCopy:
        requirements.counts(graph, op, (1,))
        source, result = requirements.present(graph, op, 0), graph.tensors[op.outputs[0]]
        requirements.rank(graph, op, source, 4)
        block = op.options.block_size
        divided = source.shape[1:3] if deeper else source.shape[3:]
        if block < 1 or any(size % (block if deeper else block**2) for size in divided):
            raise UnsupportedModel(f"{graph.label(op)}: blocks of {block} do not divide {list(source.shape)}")
        requirements.shaped(graph, op, result, output_shape(source.shape, block))
        return strided_copy.strided_copy(graph, op, source, result, lambda x: rearrange(x, block))

    def cases(rng: np.random.Generator) -> Case:
        block = int(rng.integers(1, 4))
        batch, height, width, channels = (int(size) for size in rng.integers(1, 5, 4))
        shape = (batch, height * block, width * block, channels) if deeper else (batch, height, width, channels * block**2)
        x, quant = sampling.int8(rng, shape), sampling.quant(rng)
        tensors = [Tensor("input", shape, "int8", quant), Tensor("output", output_shape(shape, block), "int8", quant)]
        return sampling.single(kind, BlockOptions(block), tensors, (0,), (1,), (x,))

    return Operator(
        kind=kind,
        code=code,
        options_code=options_code,
        options=BlockOptions,
        summary=summary,
        lower=lower,
        reference=strided_copy.reference,
        call=strided_copy.call,
        macs=strided_copy.macs,
        cases=cases,
    )


SPACE_TO_DEPTH = _operator("SPACE_TO_DEPTH", 26, 19, "blocks of pixels become channels, any dtype", _to_depth)
DEPTH_TO_SPACE = _operator("DEPTH_TO_SPACE", 5, 94, "channels become blocks of pixels, any dtype", _to_space)
