"""Every operator of the table, on seeded random cases: NumPy, LiteRT and C compute the same integers."""

from __future__ import annotations

import numpy as np
import pytest

from tests import kernels
from tinykd.compile.graph import Array
from tinykd.compile.litert import ReferenceInterpreter
from tinykd.compile.ops import OPERATORS, svdf
from tinykd.compile.ops.operator import Call, Case, View
from tinykd.compile.reader import read_model
from tinykd.compile.writer import write_model
from tinykd.errors import UnsupportedModel

SEEDS = 150
SINGLE_ONLY = {"UNIDIRECTIONAL_SEQUENCE_LSTM"}
"""Operators that TFLite Micro computes by other steps, refused for its rounding."""


def passed(case: Case, call: Call | View, inputs: tuple[Array, ...], states: dict[int, Array]) -> list[Array]:
    """The tensors that `call` passes to the kernel: inputs, constant operands, states."""
    graph, (op,) = case.graph, case.graph.ops
    fed = {**dict(zip(graph.inputs, inputs, strict=True)), **states}
    positions = call.positions if isinstance(call, Call) else (0,)
    return [fed[k] if (data := graph.tensors[k].data) is None else data for k in (op.inputs[position] for position in positions)]


UNOBSERVED = {"ASSIGN_VARIABLE"}
"""Operators whose work one inference of one operator does not show: test_variables.py compares them in graphs."""


@pytest.mark.parametrize("kind", sorted(set(OPERATORS) - UNOBSERVED))
def test_numpy_and_c_equal_litert(kind: str) -> None:
    row = OPERATORS[kind]
    for seed in range(SEEDS):
        case = row.cases(np.random.default_rng([seed, row.code]))
        model = write_model(case.graph)
        graph = read_model(model)
        (op,) = graph.ops
        parameters = row.lower(graph, op, "single")
        call = row.call(parameters)
        judge, states = ReferenceInterpreter(model), {state.tensor: state.initial for state in case.graph.states}
        sources = [] if kind == "READ_VARIABLE" else [graph.tensors[state.tensor].source for state in graph.states]
        for fed in (case.inputs, *case.later):
            want = judge.run(fed)
            want += [judge.tensor(source) for source in sources]
            inputs = passed(case, call, fed, states)
            computed = row.reference(parameters, inputs)
            for expected, got in zip(want, computed, strict=True):
                np.testing.assert_array_equal(got, expected, err_msg=f"NumPy differs: seed {seed} {op}")
            if isinstance(call, View):
                np.testing.assert_array_equal(inputs[0].reshape(want[0].shape), want[0])
                continue
            outputs = [np.zeros_like(value) for value in want]
            kernels.run(call, inputs, outputs)
            for expected, got in zip(want, outputs, strict=True):
                np.testing.assert_array_equal(got, expected, err_msg=f"C differs: seed {seed} {op}")
            states |= dict(zip(states, want[len(op.outputs) :]))


@pytest.mark.parametrize("kind", OPERATORS)
def test_double_rounding_in_c_equals_numpy(kind: str) -> None:
    row = OPERATORS[kind]
    for seed in range(SEEDS // 3):
        case = row.cases(np.random.default_rng([seed, row.code]))
        if kind in SINGLE_ONLY:
            with pytest.raises(UnsupportedModel, match="TFLite Micro"):
                row.lower(case.graph, case.graph.ops[0], "double")
        else:
            compare_c_with_numpy(case, f"seed {seed}")


def test_svdf_with_a_state_of_int8_in_c_equals_numpy() -> None:
    for seed in range(SEEDS):
        case = svdf.case_of(np.random.default_rng([seed, 8]), "int8")
        with pytest.raises(UnsupportedModel, match="as int16"):
            OPERATORS["SVDF"].lower(case.graph, case.graph.ops[0], "single")
        compare_c_with_numpy(case, f"seed {seed}")


def compare_c_with_numpy(case: Case, where: str) -> None:
    """Double rounding, inferences in a row."""
    (op,) = case.graph.ops
    row = OPERATORS[op.kind]
    parameters = row.lower(case.graph, op, "double")
    call = row.call(parameters)
    states = {state.tensor: state.initial for state in case.graph.states}
    for fed in (case.inputs, *case.later):
        inputs = passed(case, call, fed, states)
        want = row.reference(parameters, inputs)
        if isinstance(call, Call):
            outputs = [np.zeros_like(value) for value in want]
            kernels.run(call, inputs, outputs)
            for expected, got in zip(want, outputs, strict=True):
                np.testing.assert_array_equal(got, expected, err_msg=f"{where} {op}")
        states |= dict(zip(states, want[len(op.outputs) :]))
