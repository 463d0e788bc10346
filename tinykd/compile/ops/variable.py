"""READ_VARIABLE and ASSIGN_VARIABLE: the bytes of a state copied out, and in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Array, Graph, Op, State, Tensor
from tinykd.compile.ops import requirements, sampling, strided_copy
from tinykd.compile.ops.operator import Call, Case, Operator
from tinykd.compile.ops.strided_copy import StridedCopy
from tinykd.errors import UnsupportedModel


@dataclass(frozen=True, eq=False)
class Read:
    """A copy of the state as it is now; later layers may change the state."""

    copy: StridedCopy


@dataclass(frozen=True, eq=False)
class Assign:
    """A copy into the state."""

    copy: StridedCopy


def _copied(graph: Graph, op: Op, source: Tensor, result: Tensor) -> StridedCopy:
    if all(known.tensor != op.inputs[0] for known in graph.states):
        raise UnsupportedModel(f"{graph.label(op)}: '{graph.tensors[op.inputs[0]].name}' is no variable")
    requirements.shaped(graph, op, result, source.shape)
    return strided_copy.strided_copy(graph, op, source, result, lambda x: x)


def lower_read(graph: Graph, op: Op, _: Rounding) -> Read:
    requirements.counts(graph, op, (1,))
    return Read(_copied(graph, op, requirements.present(graph, op, 0), graph.tensors[op.outputs[0]]))


def lower_assign(graph: Graph, op: Op, _: Rounding) -> Assign:
    requirements.counts(graph, op, (2,), 0)
    return Assign(_copied(graph, op, requirements.present(graph, op, 1), requirements.present(graph, op, 0)))


def _reference_read(_: Read, inputs: Sequence[Array]) -> tuple[Array, ...]:
    return (inputs[0].copy(),)


def _reference_assign(_: Assign, inputs: Sequence[Array]) -> tuple[Array, ...]:
    value, state = inputs
    return (value.reshape(state.shape).copy(),)


def _call_read(p: Read) -> Call:
    return strided_copy.call(p.copy)


def _call_assign(p: Assign) -> Call:
    return replace(strided_copy.call(p.copy), inputs=(1,), states=(0,))


def _macs(_: object) -> int:
    return 0


def _sample(rng: np.random.Generator) -> tuple[Tensor, Array, Array]:
    """A state, what it starts as, and another value."""
    shape = tuple(int(size) for size in rng.integers(1, 6, int(rng.integers(1, 5))))
    dtype = str(rng.choice(["int8", "int8", "int16", "float32"]))
    quant = None if dtype == "float32" else sampling.quant_for(sampling.quant(rng), dtype)
    tensor = Tensor("state", shape, dtype, quant)
    if dtype == "float32":
        first, second = (rng.normal(size=shape).astype(np.float32) for _ in range(2))
        return tensor, first, second
    return tensor, sampling.integers(rng, shape, dtype), sampling.integers(rng, shape, dtype)


def _read_cases(rng: np.random.Generator) -> Case:
    state, start, _ = _sample(rng)
    tensors = (replace(state, source=0), replace(state, name="output", source=1))
    return Case(Graph(tensors, (Op("READ_VARIABLE", (0,), (1,)),), (), (1,), "read_variable", states=(State(0, start),)), (), ((),))


def _assign_cases(rng: np.random.Generator) -> Case:
    state, start, value = _sample(rng)
    tensors = (replace(state, source=0), replace(state, name="value", source=1))
    return Case(Graph(tensors, (Op("ASSIGN_VARIABLE", (0, 1), ()),), (1,), (), "assign_variable", states=(State(0, start),)), (value,))


READ_VARIABLE = Operator(
    kind="READ_VARIABLE",
    code=143,
    options_code=0,
    options=None,
    summary="a variable's value, any dtype; VAR_HANDLE and CALL_ONCE are resolved when the model is read",
    lower=lower_read,
    reference=_reference_read,
    call=_call_read,
    macs=_macs,
    cases=_read_cases,
)
ASSIGN_VARIABLE = Operator(
    kind="ASSIGN_VARIABLE",
    code=144,
    options_code=0,
    options=None,
    summary="sets a variable, any dtype",
    lower=lower_assign,
    reference=_reference_assign,
    call=_call_assign,
    macs=_macs,
    cases=_assign_cases,
)
