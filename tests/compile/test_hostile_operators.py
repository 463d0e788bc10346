"""Nonsense in options, quantization and shapes: an operator is refused, or C and NumPy agree on it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests import kernels
from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Array, Graph, Quant, Tensor
from tinykd.compile.ops import OPERATORS, sampling
from tinykd.compile.ops.operator import Call
from tinykd.errors import UnsupportedModel

ROUNDS = 120
LARGEST_RUN = 200_000
"""Multiply-accumulates and elements of a case that is run."""

SCALES = (1e-45, 1e-38, 1e-7, 1.0, 1e20, 3e38)
NUMBERS = (-(1 << 31), -5, -1, 0, 1, 2, 3, 7, 127, 1 << 20, (1 << 31) - 1)


def spoiled_tensor(rng: np.random.Generator, tensor: Tensor) -> Tensor:
    """`tensor` with one thing changed that a file could hold."""
    kind = int(rng.integers(0, 6))
    if kind == 0:
        return dataclasses.replace(
            tensor, quant=Quant((float(np.float32(rng.choice(SCALES))),), (int(rng.choice([-129, -128, 0, 127, 128])),))
        )
    if kind == 1:
        return dataclasses.replace(tensor, quant=None)
    if kind == 2 and tensor.data is not None and tensor.dtype in ("int32", "int64"):
        return dataclasses.replace(tensor, data=rng.choice(NUMBERS, tensor.shape).astype(tensor.dtype))
    if kind == 3 and tensor.data is None:
        sizes = list(tensor.shape) or [1]
        sizes[int(rng.integers(0, len(sizes)))] = int(rng.choice([0, 1, 2, 1000]))
        return dataclasses.replace(tensor, shape=tuple(sizes))
    if kind == 4 and tensor.data is None:
        return dataclasses.replace(tensor, shape=tensor.shape[:-1] if rng.random() < 0.5 else (*tensor.shape, 1))
    return dataclasses.replace(tensor, dtype=str(rng.choice(["int8", "uint8", "int16", "int32", "int64", "float32", "bool"])), data=None)


def spoiled(rng: np.random.Generator, graph: Graph) -> Graph:
    """`graph` with a tensor, an option, or its list of inputs changed."""
    (op,) = graph.ops
    choice = rng.random()
    if choice < 0.3 and op.options is not None:
        stored_fields = [field for field in dataclasses.fields(op.options) if "kind" in field.metadata]  # passes add others
        field = stored_fields[int(rng.integers(0, len(stored_fields)))]
        stored = field.metadata["kind"]
        value: object = int(rng.choice(NUMBERS))
        if stored.startswith("["):
            value = tuple(int(number) for number in rng.choice(NUMBERS, int(rng.integers(0, 4))))
        elif stored == "float32":
            value = float(rng.choice([np.nan, np.inf, -np.inf, -1.0, 0.0, 1e30]))
        return dataclasses.replace(graph, ops=(dataclasses.replace(op, options=dataclasses.replace(op.options, **{field.name: value})),))
    if choice < 0.4:
        inputs = op.inputs[:-1] if rng.random() < 0.5 else tuple(-1 if rng.random() < 0.5 else index for index in op.inputs)
        return dataclasses.replace(graph, ops=(dataclasses.replace(op, inputs=inputs),))
    tensors = list(graph.tensors)
    position = int(rng.integers(0, len(tensors)))
    tensors[position] = spoiled_tensor(rng, tensors[position])
    return dataclasses.replace(graph, tensors=tuple(tensors))


@pytest.mark.parametrize("kind", sorted(OPERATORS))
def test_nonsense_is_refused_or_computed_alike(kind: str) -> None:
    """What is lowered all the same, C computes like NumPy, within its output and without undefined behaviour."""
    refused = 0
    for seed in range(ROUNDS):
        rng = np.random.default_rng([seed, OPERATORS[kind].code, 13])
        graph = spoiled(rng, OPERATORS[kind].cases(rng).graph)
        message = refusal(graph, "single" if rng.random() < 0.5 else "double", rng)
        assert message is None or kind in message
        refused += message is not None
    assert refused > ROUNDS // 10


def refusal(graph: Graph, rounding: Rounding, rng: np.random.Generator) -> str | None:
    """Why the graph's only operator is refused, None where it is lowered; then it is also run."""
    (op,) = graph.ops
    row = OPERATORS[op.kind]
    try:
        parameters = row.lower(graph, op, rounding)
    except UnsupportedModel as error:
        return error.message
    call, cost = row.call(parameters), row.macs(parameters)
    tensors = [graph.tensors[index] for index in (*op.inputs, *op.outputs) if index >= 0]
    if isinstance(call, Call) and cost + max(tensor.elements for tensor in tensors) < LARGEST_RUN:
        inputs = [value_of(rng, graph.tensors[op.inputs[position]]) for position in call.positions]
        written = (*op.outputs, *(op.inputs[position] for position in call.states))
        outputs = [np.zeros(graph.tensors[index].shape, graph.tensors[index].dtype) for index in written]
        kernels.run(call, inputs, outputs)
        for got, expected in zip(outputs, row.reference(parameters, inputs), strict=True):
            np.testing.assert_array_equal(got, expected, err_msg=f"{op} {[t.quant for t in tensors]}")
    return None


def value_of(rng: np.random.Generator, tensor: Tensor) -> Array:
    """The constant, or random values."""
    if tensor.data is not None:
        return tensor.data
    if tensor.dtype == "float32":
        return rng.normal(0, 100, tensor.shape).astype(np.float32)
    return sampling.integers(rng, tensor.shape, "uint8" if tensor.dtype == "bool" else tensor.dtype).astype(tensor.dtype)
