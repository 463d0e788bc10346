"""SELECT and SELECT_V2: elements of x where a condition holds, of y elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import ITEM_BYTES, Array, Graph, Op, Tensor
from tinykd.compile.ops import requirements, sampling
from tinykd.compile.ops.operator import Call, Case, Operator
from tinykd.errors import UnsupportedModel

AXES = 4
"""Loops of the kernel."""

_OPERANDS = ("condition", "x", "y")


@dataclass(frozen=True)
class Select:
    """Loops over the output, outermost first, and how many elements each operand moves along each (0: it is repeated).

    Attributes:
        shapes: of condition, x and y, with as many axes as the output.
        item: bytes of an element of x, y and output.
    """

    shapes: tuple[tuple[int, ...], ...]
    item: int
    sizes: tuple[int, ...]
    steps: tuple[tuple[int, ...], ...]


def _select(graph: Graph, op: Op, tensors: Sequence[Tensor], shapes: Sequence[tuple[int, ...]]) -> Select:
    """Loops for operands of `shapes`, axes already matched to the output's."""
    _, x, y, result = tensors
    try:
        fits = np.broadcast_shapes(*shapes) == result.shape
    except ValueError:
        fits = False
    if not fits or not result.elements:
        raise UnsupportedModel(f"{graph.label(op)}: shapes {', '.join(str(list(s)) for s in shapes)} do not give {list(result.shape)}")
    if tensors[0].dtype != "bool":
        raise UnsupportedModel(f"{graph.label(op)}: the condition '{tensors[0].name}' is {tensors[0].dtype}, not bool")
    if requirements.one_dtype(graph, op, (result, x, y)) not in ITEM_BYTES:
        raise UnsupportedModel(f"{graph.label(op)}: '{result.name}' is {result.dtype}, which the kernel does not move")
    if (x.quant, y.quant) != (result.quant, result.quant):
        raise UnsupportedModel(f"{graph.label(op)}: its operands have different scales, LiteRT copies their integers all the same")
    padded = [(1,) * (len(result.shape) - len(shape)) + tuple(shape) for shape in shapes]
    loops: list[list[int]] = []  # innermost first: size, whether each operand moves
    for size, *sizes in zip(reversed(result.shape), *(reversed(shape) for shape in padded)):
        moves = [int(one != 1) for one in sizes]
        if size != 1 and loops and loops[-1][1:] == moves:
            loops[-1][0] *= size
        elif size != 1:
            loops.append([size, *moves])
    if len(loops) > AXES:
        raise UnsupportedModel(f"{graph.label(op)} takes {len(loops)} loops, the kernel has {AXES}")
    loops += [[1, 0, 0, 0]] * (AXES - len(loops))
    steps = []
    for operand in range(len(_OPERANDS)):
        step, mine = 1, list[int]()
        for size, *moves in loops:
            mine.append(step * moves[operand])
            step *= size if moves[operand] else 1
        steps.append(tuple(reversed(mine)))
    return Select(tuple(padded), ITEM_BYTES[result.dtype], tuple(loop[0] for loop in reversed(loops)), tuple(steps))


def _tensors(graph: Graph, op: Op) -> list[Tensor]:
    requirements.counts(graph, op, (3,))
    return [*(requirements.present(graph, op, position) for position in range(3)), graph.tensors[op.outputs[0]]]


def lower_v1(graph: Graph, op: Op, _: Rounding) -> Select:
    """x and y have the output's shape; the condition has it too, is a scalar, or chooses along the first axis."""
    tensors = _tensors(graph, op)
    condition, x, y, result = tensors
    for tensor in (x, y):
        requirements.shaped(graph, op, tensor, result.shape)
    shape = condition.shape
    if len(shape) == 1 and result.shape and shape[0] == result.shape[0]:
        shape = (shape[0], *(1 for _ in result.shape[1:]))
    elif shape not in ((), result.shape):
        raise UnsupportedModel(f"{graph.label(op)}: the condition has shape {list(shape)} for an output of {list(result.shape)}")
    return _select(graph, op, tensors, (shape, x.shape, y.shape))


def lower_v2(graph: Graph, op: Op, _: Rounding) -> Select:
    tensors = _tensors(graph, op)
    return _select(graph, op, tensors, [tensor.shape for tensor in tensors[:3]])


def reference(p: Select, inputs: Sequence[Array]) -> tuple[Array, ...]:
    condition, x, y = (value.reshape(shape) for value, shape in zip(inputs, p.shapes))
    return (np.where(condition.view(np.uint8) != 0, x, y),)


def call(p: Select) -> Call:
    fields = {"item": p.item, **{f"size_{k}": size for k, size in enumerate(p.sizes)}}
    for name, steps in zip(_OPERANDS, p.steps):
        fields |= {f"{name}_step_{k}": step for k, step in enumerate(steps)}
    return Call("tinykd_select", "tinykd_select", fields, "select.c", inputs=(0, 1, 2))


def macs(_: Select) -> int:
    return 0


def _case(rng: np.random.Generator, kind: str, shapes: Sequence[tuple[int, ...]]) -> Case:
    dtype = str(rng.choice(["int8", "int8", "int16", "int32"]))
    quant = None if dtype == "int32" else sampling.quant_for(sampling.quant(rng), dtype)
    condition = rng.integers(0, 2, shapes[0]).astype(np.bool_)
    values = [sampling.integers(rng, shape, dtype) for shape in shapes[1:]]
    tensors = [Tensor("condition", condition.shape, "bool"), *(Tensor(n, v.shape, dtype, quant) for n, v in zip("xy", values))]
    tensors.append(Tensor("output", np.broadcast_shapes(*shapes) if kind == "SELECT_V2" else shapes[1], dtype, quant))
    return sampling.single(kind, None, tensors, (0, 1, 2), (3,), (condition, *values))


def _v1_cases(rng: np.random.Generator) -> Case:
    shape = tuple(int(size) for size in rng.integers(1, 6, int(rng.integers(1, 5))))
    return _case(rng, "SELECT", [(shape, (), shape[:1])[int(rng.integers(0, 3))], shape, shape])


def _v2_cases(rng: np.random.Generator) -> Case:
    shape = tuple(int(size) for size in rng.integers(1, 6, int(rng.integers(1, 5))))
    narrow = [tuple(int(size * keep or 1) for size, keep in zip(shape, rng.integers(0, 2, len(shape)))) for _ in range(2)]
    shapes = [shape, *(one[int(rng.integers(0, len(one))) :] if rng.random() < 0.3 else one for one in narrow)]
    return _case(rng, "SELECT_V2", [shapes[k] for k in rng.permutation(3)])


SELECT = Operator("SELECT", 64, 0, None, "x or y by a condition, any dtype", lower_v1, reference, call, macs, _v1_cases)
SELECT_V2 = Operator("SELECT_V2", 123, 0, None, "x or y by a condition, with broadcasting", lower_v2, reference, call, macs, _v2_cases)
