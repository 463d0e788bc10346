"""Every operator of the table, on seeded random cases: NumPy, LiteRT and C compute the same integers."""

from __future__ import annotations

import numpy as np
import pytest

from tests import kernels
from tinykd.compile.graph import Array
from tinykd.compile.litert import ReferenceInterpreter
from tinykd.compile.ops import OPERATORS
from tinykd.compile.ops.operator import Call, Case, View
from tinykd.compile.reader import read_model
from tinykd.compile.writer import write_model

SEEDS = 150


def passed(case: Case, call: Call | View) -> list[Array]:
    """The tensors that `call` passes to the kernel: the case's inputs and constant operands."""
    graph, (op,) = case.graph, case.graph.ops
    fed = dict(zip(graph.inputs, case.inputs, strict=True))
    positions = call.inputs if isinstance(call, Call) else (0,)
    return [fed[k] if (data := graph.tensors[k].data) is None else data for k in (op.inputs[position] for position in positions)]


@pytest.mark.parametrize("kind", OPERATORS)
def test_numpy_and_c_equal_litert(kind: str) -> None:
    row = OPERATORS[kind]
    for seed in range(SEEDS):
        case = row.cases(np.random.default_rng([seed, row.code]))
        model = write_model(case.graph)
        graph = read_model(model)
        (op,) = graph.ops
        want = ReferenceInterpreter(model).run(case.inputs)
        parameters = row.lower(graph, op, "single")
        call = row.call(parameters)
        inputs = passed(case, call)
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


@pytest.mark.parametrize("kind", OPERATORS)
def test_double_rounding_in_c_equals_numpy(kind: str) -> None:
    row = OPERATORS[kind]
    for seed in range(SEEDS // 3):
        case = row.cases(np.random.default_rng([seed, row.code]))
        (op,) = case.graph.ops
        parameters = row.lower(case.graph, op, "double")
        call = row.call(parameters)
        inputs = passed(case, call)
        want = row.reference(parameters, inputs)
        if isinstance(call, Call):
            outputs = [np.zeros_like(value) for value in want]
            kernels.run(call, inputs, outputs)
            for expected, got in zip(want, outputs, strict=True):
                np.testing.assert_array_equal(got, expected, err_msg=f"seed {seed} {op}")
