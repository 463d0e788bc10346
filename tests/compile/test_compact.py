"""A compacted model is the same model, to LiteRT and to our reader, in fewer bytes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from tinykd.compile.compact import compact
from tinykd.compile.graph import Quant, Tensor
from tinykd.compile.litert import ReferenceInterpreter
from tinykd.compile.reader import read_model
from tinykd.compile.writer import write_model

DATA = (Path(__file__).parents[2] / "models/mnist/student_int8.tflite").read_bytes()
COUNT = 24
"""Channels of two of its weights."""


def fingerprint(tensor: Tensor) -> tuple[object, ...]:
    data = None if tensor.data is None else (tensor.data.dtype, tensor.data.shape, tensor.data.tobytes())
    return tensor.name, tensor.shape, tensor.dtype, tensor.quant, data


def test_same_tensors_operators_and_integers() -> None:
    small = compact(DATA)
    before, after = read_model(DATA), read_model(small)
    assert [fingerprint(tensor) for tensor in after.tensors] == [fingerprint(tensor) for tensor in before.tensors]
    assert (after.ops, after.inputs, after.outputs) == (before.ops, before.inputs, before.outputs)
    rng = np.random.default_rng(0)
    old, new = ReferenceInterpreter(DATA), ReferenceInterpreter(small)
    for _ in range(3):
        x = rng.integers(-128, 128, before.tensors[before.inputs[0]].shape, np.int8)
        assert all(map(np.array_equal, old.run([x]), new.run([x])))


def test_never_larger_and_once_is_enough() -> None:
    small = compact(DATA)
    assert len(small) <= len(DATA)
    assert compact(small) == small


def test_equal_zero_points_are_stored_once() -> None:
    graph = read_model(DATA)
    weights = [k for k, tensor in enumerate(graph.tensors) if tensor.quant is not None and len(tensor.quant.scales) == COUNT][:2]
    assert len(weights) == 2

    def written(second: int) -> int:
        tensors = list(graph.tensors)
        for k, value in zip(weights, (1, second), strict=True):
            quant = tensors[k].quant
            assert quant is not None
            tensors[k] = replace(tensors[k], quant=Quant(quant.scales, (value,) * COUNT, quant.axis))
        return len(write_model(replace(graph, tensors=tuple(tensors))))

    # Values of eight bytes and their count; constants behind them are aligned to 16 bytes, which gives or takes as much.
    assert abs(written(2) - written(1) - (COUNT * 8 + 4)) <= 16
