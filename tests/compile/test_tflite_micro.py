"""Rounding `double` equals TFLite Micro: every operator, where its wheel is installed and computes the case."""

from __future__ import annotations

import numpy as np
import pytest

from tests.compile.test_operators import SINGLE_ONLY, UNOBSERVED, passed
from tinykd.compile.graph import Graph, Op
from tinykd.compile.ops import OPERATORS, svdf
from tinykd.compile.ops.operator import Case
from tinykd.compile.ops.weighted import INT32_BIAS
from tinykd.compile.writer import write_model

runtime = pytest.importorskip("tflite_micro.python.tflite_micro.runtime", exc_type=ImportError)

SEEDS = 40
ARENA_BYTES = 1 << 20

ABSENT = {"EXP", "GELU", "LOG", "RELU_0_TO_1", "RELU_N1_TO_1", "SELECT", "TILE"}
"""Operators that TFLite Micro does not have in int8."""

UNDEFINED = {"SPACE_TO_BATCH_ND"}
"""Operators whose border TFLite Micro fills from memory that it never set."""


def misread(graph: Graph, op: Op) -> bool:
    """Cases that TFLite Micro takes for something else.

    Its SVDF reads a bias even where there is none. Its TRANSPOSE_CONV takes every sum of int16 images for 64 bits wide, and
    an int32 bias for int64.
    """
    if op.kind == "SVDF":
        return op.inputs[3] < 0
    return op.kind == "TRANSPOSE_CONV" and graph.tensors[op.inputs[2]].dtype == "int16" and op.options.quantized_bias_type == INT32_BIAS


def equal(case: Case) -> bool:
    """The NumPy reference gives TFLite Micro's outputs in inferences in a row; False where TFLite Micro refuses the case."""
    graph, (op,) = case.graph, case.graph.ops
    row = OPERATORS[op.kind]
    try:
        interpreter = runtime.Interpreter.from_bytes(write_model(graph), arena_size=ARENA_BYTES)
    except RuntimeError:  # a dtype or shape that TFLite Micro does not have
        return False
    parameters = row.lower(graph, op, "double")
    states = {state.tensor: state.initial for state in graph.states}
    for fed in (case.inputs, *case.later):
        try:
            for position, value in enumerate(fed):
                interpreter.set_input(value, position)
            interpreter.invoke()
        except RuntimeError:
            return False
        computed = row.reference(parameters, passed(case, row.call(parameters), fed, states))
        for position, got in enumerate(computed[: len(op.outputs)]):
            np.testing.assert_array_equal(got, interpreter.get_output(position), err_msg=f"{op}")
        states |= dict(zip(states, computed[len(op.outputs) :]))
    return True


def test_svdf_with_a_state_of_int8_equals_tflite_micro() -> None:
    cases = [svdf.case_of(np.random.default_rng([seed, 8]), "int8") for seed in range(SEEDS)]
    assert sum(equal(case) for case in cases if not misread(case.graph, case.graph.ops[0])) >= SEEDS // 2


@pytest.mark.parametrize("kind", sorted(set(OPERATORS) - ABSENT - UNDEFINED - SINGLE_ONLY - UNOBSERVED))
def test_double_rounding_equals_tflite_micro(kind: str) -> None:
    row = OPERATORS[kind]
    compared = 0
    for seed in range(SEEDS):
        case = row.cases(np.random.default_rng([seed, row.code]))
        graph, (op,) = case.graph, case.graph.ops
        if misread(graph, op):
            continue
        compared += equal(case)
    assert compared >= SEEDS // 4, f"TFLite Micro ran {compared} cases only"
