"""STRIDED_SLICE: Python's x[begin:end:stride, …], with its masks."""

from __future__ import annotations

from dataclasses import dataclass
from types import EllipsisType

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Array, Graph, Op, Tensor
from tinykd.compile.ops import requirements, sampling, strided_copy
from tinykd.compile.ops.operator import Case, Operator
from tinykd.compile.ops.strided_copy import StridedCopy
from tinykd.compile.schema import slot
from tinykd.errors import UnsupportedModel

Index = slice | int | EllipsisType | None


@dataclass(frozen=True)
class StridedSliceOptions:
    begin_mask: int = slot(0, "int32", 0)
    end_mask: int = slot(1, "int32", 0)
    ellipsis_mask: int = slot(2, "int32", 0)
    new_axis_mask: int = slot(3, "int32", 0)
    shrink_axis_mask: int = slot(4, "int32", 0)
    offset: int = slot(5, "bool", 0)


def indices(o: StridedSliceOptions, begin: list[int], end: list[int], stride: list[int]) -> tuple[Index, ...]:
    """The slice as NumPy indexes it."""
    found: list[Index] = []
    for k, (first, last, step) in enumerate(zip(begin, end, stride)):
        bit = 1 << k
        if o.ellipsis_mask & bit:
            found.append(Ellipsis)
        elif o.new_axis_mask & bit:
            found.append(None)
        elif o.shrink_axis_mask & bit:
            found.append(0 if o.begin_mask & bit else first)
        else:
            stop = first + last if o.offset else last
            found.append(slice(None if o.begin_mask & bit else first, None if o.end_mask & bit else stop, step))
    # a closing ellipsis keeps even a single element a view
    return tuple(found) if Ellipsis in found else (*found, Ellipsis)


def lower(graph: Graph, op: Op, _: Rounding) -> StridedCopy:
    requirements.counts(graph, op, (4,))
    source, result = requirements.present(graph, op, 0), graph.tensors[op.outputs[0]]
    begin, end, stride = (
        requirements.constant(graph, op, requirements.present(graph, op, position), ("int32",)).ravel().tolist() for position in (1, 2, 3)
    )
    if not len(begin) == len(end) == len(stride) or 0 in stride:
        raise UnsupportedModel(f"{graph.label(op)} slices from {begin} to {end} in steps of {stride}")
    taken = indices(op.options, begin, end, stride)

    def view(x: Array) -> Array:
        return np.asarray(x[taken])

    try:
        shape = view(np.empty(source.shape, np.int8)).shape
    except IndexError:
        raise UnsupportedModel(f"{graph.label(op)}: the slice from {begin} to {end} does not fit {list(source.shape)}") from None
    requirements.shaped(graph, op, result, shape)
    return strided_copy.strided_copy(graph, op, source, result, view)


def cases(rng: np.random.Generator) -> Case:
    while True:
        shape = tuple(int(size) for size in rng.integers(1, 8, int(rng.integers(1, 5))))
        given = int(rng.integers(1, len(shape) + 1))
        begin, end = (np.array([int(rng.integers(-size - 1, size + 2)) for size in shape[:given]], np.int32) for _ in range(2))
        stride = rng.choice([1, 1, 2, 3, -1, -2], given).astype(np.int32)
        masks = [int(rng.integers(0, 1 << given)) if rng.random() < 0.5 else 0 for _ in range(3)]
        inside = sum(1 << k for k in range(given) if -shape[k] <= begin[k] < shape[k] and stride[k] > 0)
        options = StridedSliceOptions(masks[0], masks[1], 0, 0, masks[2] & inside & ~masks[0])
        x = sampling.int8(rng, shape)
        taken = x[indices(options, begin.tolist(), end.tolist(), stride.tolist())]
        if taken.size:
            break
    quant = sampling.quant(rng)
    tensors = [
        Tensor("input", shape, "int8", quant),
        Tensor("begin", begin.shape, "int32", None, begin),
        Tensor("end", end.shape, "int32", None, end),
        Tensor("stride", stride.shape, "int32", None, stride),
        Tensor("output", taken.shape, "int8", quant),
    ]
    return sampling.single("STRIDED_SLICE", options, tensors, (0, 1, 2, 3), (4,), (x,))


OPERATOR = Operator(
    kind="STRIDED_SLICE",
    code=45,
    options_code=32,
    options=StridedSliceOptions,
    summary="slices with steps, forwards and backwards, any dtype",
    lower=lower,
    reference=strided_copy.reference,
    call=strided_copy.call,
    macs=strided_copy.macs,
    cases=cases,
)
