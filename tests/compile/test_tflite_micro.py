"""Rounding `double` equals TFLite Micro: every operator, where its wheel is installed and computes the case."""

from __future__ import annotations

import numpy as np
import pytest

from tests.compile.test_operators import passed
from tinykd.compile.graph import Graph, Op
from tinykd.compile.ops import OPERATORS
from tinykd.compile.ops.weighted import INT32_BIAS
from tinykd.compile.writer import write_model

runtime = pytest.importorskip("tflite_micro.python.tflite_micro.runtime", exc_type=ImportError)

SEEDS = 40
ARENA_BYTES = 1 << 20

ABSENT = {"GELU", "LOG", "RELU_0_TO_1", "RELU_N1_TO_1", "TILE"}
"""Operators that TFLite Micro does not have in int8."""

UNDEFINED = {"SPACE_TO_BATCH_ND"}
"""Operators whose border TFLite Micro fills from memory that it never set."""


def misread(graph: Graph, op: Op) -> bool:
    """TFLite Micro's TRANSPOSE_CONV takes every sum of int16 images for 64 bits wide, and an int32 bias for int64."""
    return op.kind == "TRANSPOSE_CONV" and graph.tensors[op.inputs[2]].dtype == "int16" and op.options.quantized_bias_type == INT32_BIAS


@pytest.mark.parametrize("kind", sorted(set(OPERATORS) - ABSENT - UNDEFINED))
def test_double_rounding_equals_tflite_micro(kind: str) -> None:
    row = OPERATORS[kind]
    compared = 0
    for seed in range(SEEDS):
        case = row.cases(np.random.default_rng([seed, row.code]))
        graph, (op,) = case.graph, case.graph.ops
        if misread(graph, op):
            continue
        try:
            interpreter = runtime.Interpreter.from_bytes(write_model(graph), arena_size=ARENA_BYTES)
            for position, value in enumerate(case.inputs):
                interpreter.set_input(value, position)
            interpreter.invoke()
        except RuntimeError:  # a dtype or shape that TFLite Micro does not have
            continue
        parameters = row.lower(graph, op, "double")
        computed = row.reference(parameters, passed(case, row.call(parameters)))
        for position, got in enumerate(computed):
            np.testing.assert_array_equal(got, interpreter.get_output(position), err_msg=f"seed {seed} {op}")
        compared += 1
    assert compared >= SEEDS // 4, f"TFLite Micro ran {compared} cases only"
