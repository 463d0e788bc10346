"""Broadcasting of two operands, reduced to four nested loops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinykd.compile.graph import Graph, Op, Tensor
from tinykd.errors import UnsupportedModel

AXES = 4
"""Loops of a kernel. Axes along which the operands behave alike are one loop, so more than four are rare."""


@dataclass(frozen=True)
class Broadcast:
    """Loops over the output, outermost first, and how far each operand moves along each (0: it is repeated).

    Equal shapes are one loop, as is a scalar operand; a vector of channels is two.
    """

    sizes: tuple[int, ...]
    a_steps: tuple[int, ...]
    b_steps: tuple[int, ...]

    def fields(self) -> dict[str, int]:
        """Members of the kernel's struct."""
        named = (("size", self.sizes), ("a_step", self.a_steps), ("b_step", self.b_steps))
        return {f"{name}_{k}": value for name, values in named for k, value in enumerate(values)}


def broadcast(graph: Graph, op: Op, a: Tensor, b: Tensor, result: Tensor) -> Broadcast:
    """The loops over `a` and `b` that give `result`.

    Raises:
        UnsupportedModel: the shapes do not broadcast to the output's, or need more than four loops.
    """
    try:
        expected = np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        raise UnsupportedModel(f"{graph.label(op)}: shapes {list(a.shape)} and {list(b.shape)} do not broadcast") from None
    if expected != result.shape or 0 in expected:
        raise UnsupportedModel(f"{graph.label(op)}: '{result.name}' has shape {list(result.shape)}, expected {list(expected)}")
    rank = len(expected)
    a_shape, b_shape = (1,) * (rank - len(a.shape)) + a.shape, (1,) * (rank - len(b.shape)) + b.shape
    loops: list[list[int]] = []  # innermost first: size, whether a moves, whether b moves
    for size, a_size, b_size in zip(reversed(expected), reversed(a_shape), reversed(b_shape)):
        moves = [int(a_size != 1), int(b_size != 1)]
        if size == 1:
            continue
        if loops and loops[-1][1:] == moves:
            loops[-1][0] *= size
        else:
            loops.append([size, *moves])
    if len(loops) > AXES:
        raise UnsupportedModel(
            f"{graph.label(op)}: broadcasting {list(a.shape)} with {list(b.shape)} takes {len(loops)} loops, the kernel has {AXES}"
        )
    loops += [[1, 0, 0]] * (AXES - len(loops))
    a_steps, b_steps, a_step, b_step = [], [], 1, 1
    for size, a_moves, b_moves in loops:
        a_steps.append(a_step * a_moves)
        b_steps.append(b_step * b_moves)
        a_step *= size if a_moves else 1
        b_step *= size if b_moves else 1
    return Broadcast(tuple(loop[0] for loop in reversed(loops)), tuple(reversed(a_steps)), tuple(reversed(b_steps)))


def distances(p: Any) -> tuple[int | None, ...]:
    """An operand that is never repeated has the output's shape, and may be overwritten as it is read.

    Args:
        p: a Broadcast, or parameters that have one as `loops`; operands and output have elements of one size.
    """
    loops = p if isinstance(p, Broadcast) else p.loops
    full = [all(step or size == 1 for size, step in zip(loops.sizes, steps)) for steps in (loops.a_steps, loops.b_steps)]
    return tuple(0 if whole else None for whole in full)
