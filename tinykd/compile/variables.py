"""Resource variables as states: VAR_HANDLE and CALL_ONCE of a file become tensors that live from one inference to the next.

LiteRT keeps such a variable outside the graph: VAR_HANDLE names it, READ_VARIABLE copies it out, ASSIGN_VARIABLE copies into
it, and a subgraph that CALL_ONCE runs before the first inference gives it its first value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tinykd.compile.graph import Array, Op, State, Tensor
from tinykd.compile.schema import slot
from tinykd.errors import UnsupportedModel

RESOURCE = "resource"
"""The dtype of a tensor that stands for a variable."""


@dataclass(frozen=True)
class VarHandleOptions:
    container: str = slot(0, "text", "")
    shared_name: str = slot(1, "text", "")


@dataclass(frozen=True)
class CallOnceOptions:
    init_subgraph: int = slot(0, "int32", 0)


@dataclass(frozen=True)
class Marker:
    """An operator that the reader resolves, with its number, its options and their number."""

    code: int
    options_code: int
    options: type


MARKERS: dict[str, Marker] = {
    "CALL_ONCE": Marker(129, 103, CallOnceOptions),
    "VAR_HANDLE": Marker(142, 111, VarHandleOptions),
}

Subgraph = tuple[tuple[Tensor, ...], tuple[Op, ...]]


@dataclass
class _Found:
    """What has been understood of a file's variables, by name."""

    tensors: list[Tensor]
    named: dict[int, str] = field(default_factory=dict)
    starts: dict[str, Array] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)


def resolve(main: Subgraph, subgraph: Callable[[int], Subgraph]) -> tuple[Subgraph, tuple[State, ...]]:
    """The main subgraph with states in place of variables.

    Args:
        subgraph: reads another subgraph of the file.

    Returns:
        tensors with the states appended, whose `source` is the first handle that an operator uses; operators without
        VAR_HANDLE and CALL_ONCE; the states.

    Raises:
        UnsupportedModel: a variable that is no VAR_HANDLE's, is read before anything sets it, or changes shape or dtype; an
            initialization that does more than to assign constants.
    """
    found, kept = _Found(list(main[0])), list[Op]()
    for op in main[1]:
        if op.kind == "VAR_HANDLE":
            found.named.update((index, _name(op)) for index in op.outputs)
        elif op.kind == "CALL_ONCE":
            found.starts.update(_assigned(*subgraph(op.options.init_subgraph)))
        elif op.kind == "READ_VARIABLE" and len(op.inputs) == 1 and len(op.outputs) == 1:
            kept.append(replace(op, inputs=(_state(found, op, op.outputs[0], must_be_set=True),)))
        elif op.kind == "ASSIGN_VARIABLE" and len(op.inputs) == 2:
            kept.append(replace(op, inputs=(_state(found, op, op.inputs[1], must_be_set=False), op.inputs[1])))
        else:
            kept.append(op)
    for op in kept:
        for index in (*op.inputs, *op.outputs):
            if 0 <= index < len(found.tensors) and found.tensors[index].dtype == RESOURCE:
                raise UnsupportedModel(f"operator {op.kind} uses '{found.tensors[index].name}', which stands for a variable")
    states = tuple(State(index, found.starts[name]) for name, index in found.states.items())
    return (tuple(found.tensors), tuple(kept)), states


def _name(op: Op) -> str:
    return f"{op.options.container}/{op.options.shared_name}" if op.options.container else str(op.options.shared_name)


def _assigned(tensors: Sequence[Tensor], ops: Sequence[Op]) -> dict[str, Array]:
    """What an initialization leaves in each variable."""
    named, values = dict[int, str](), dict[str, Array]()
    for op in ops:
        if op.kind == "VAR_HANDLE":
            named.update((index, _name(op)) for index in op.outputs)
            continue
        handle, value = op.inputs if op.kind == "ASSIGN_VARIABLE" and len(op.inputs) == 2 else (-1, -1)
        data = tensors[value].data if 0 <= value < len(tensors) else None
        if handle not in named or data is None:
            raise UnsupportedModel(
                f"the initialization of variables holds {op.kind}, not only constants that it assigns", "start variables from constants"
            )
        values[named[handle]] = data
    return values


def _state(found: _Found, op: Op, value: int, *, must_be_set: bool) -> int:
    """The state of the variable that `op` reads into or assigns from tensor `value`; appended where it is new."""
    name = found.named.get(op.inputs[0])
    if name is None or not 0 <= value < len(found.tensors):
        raise UnsupportedModel(f"{op.kind} names no variable that a VAR_HANDLE before it made, or no value")
    tensor = found.tensors[value]
    if tensor.dtype == RESOURCE:
        raise UnsupportedModel(f"the variable '{name}' holds another variable")
    if name not in found.states:
        if must_be_set and name not in found.starts:
            raise UnsupportedModel(f"the variable '{name}' is read before anything sets it", "initialize it with a constant")
        found.starts.setdefault(name, np.zeros(tensor.shape, tensor.dtype))
        found.states[name] = len(found.tensors)
        found.tensors.append(Tensor(name, tensor.shape, tensor.dtype, tensor.quant, source=op.inputs[0]))
    index, start = found.states[name], found.starts[name]
    known = found.tensors[index]
    if {(tensor.shape, tensor.dtype), (start.shape, start.dtype.name)} != {(known.shape, known.dtype)}:
        raise UnsupportedModel(f"the variable '{name}' is {known.dtype}{list(known.shape)} and also {tensor.dtype}{list(tensor.shape)}")
    return index
