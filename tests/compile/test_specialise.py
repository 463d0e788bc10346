"""Faster kernels against the portable row: the same integers on every case that they take, under sanitizers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests import kernels
from tests.compile.models import conv_then_dense
from tests.compile.row_networks import SAME, Network, convolution
from tests.firmware.test_access import measured_distance
from tinykd.compile.graph import Graph
from tinykd.compile.ops import OPERATORS
from tinykd.compile.ops.operator import Call, Case
from tinykd.compile.program import lower
from tinykd.compile.reader import read_model
from tinykd.compile.specialise import SPECIALISATIONS, dsp, mve, specialise
from tinykd.compile.writer import write_model

TAKEN, MOST_SEEDS = 40, 6000
ROWS = [(feature, kind) for feature, rows in SPECIALISATIONS.items() for kind in rows]


def specialised(feature: str, kind: str, rounding: str) -> list[tuple[int, Case, object, Call]]:
    """(seed, case, parameters, call) of the first cases that a faster kernel takes."""
    row, found = OPERATORS[kind], list[tuple[int, Case, object, Call]]()
    for seed in range(MOST_SEEDS):
        if len(found) == TAKEN:
            break
        case = row.cases(np.random.default_rng([seed, row.code, 1]))
        graph = read_model(write_model(case.graph))
        parameters = row.lower(graph, graph.ops[0], rounding)  # type: ignore[arg-type]
        call = SPECIALISATIONS[feature][kind](parameters)
        if call is not None:
            found.append((seed, case, parameters, call))
    return found


def operands(case: Case, call: Call) -> list[np.ndarray]:
    """What `call` passes: constants and the case's inputs."""
    (op,) = case.graph.ops
    supplied = dict(zip(case.graph.inputs, case.inputs, strict=True))
    tensors = [op.inputs[k] for k in call.inputs]
    return [case.graph.tensors[t].data if case.graph.tensors[t].is_constant else supplied[t] for t in tensors]  # type: ignore[misc]


def expected(kind: str, case: Case, parameters: object) -> tuple[np.ndarray, ...]:
    """Outputs of the specification."""
    return OPERATORS[kind].reference(parameters, operands(case, OPERATORS[kind].call(parameters)))  # type: ignore[arg-type]


@pytest.mark.parametrize("rounding", ["single", "double"])
@pytest.mark.parametrize(("feature", "kind"), ROWS)
def test_same_integers_as_the_portable_row(feature: str, kind: str, rounding: str) -> None:
    taken = specialised(feature, kind, rounding)
    assert len(taken) == TAKEN, "too few cases reach the faster kernel"
    for seed, case, parameters, call in taken:
        want = expected(kind, case, parameters)
        outputs = [np.zeros_like(value) for value in want]
        kernels.run(call, operands(case, call), outputs)
        np.testing.assert_array_equal(outputs[0], want[0], err_msg=f"{call.function}: seed {seed}")


@pytest.mark.parametrize(("feature", "kind"), ROWS)
def test_distances_are_safe(feature: str, kind: str) -> None:
    for seed, case, parameters, call in specialised(feature, kind, "single"):
        (want,) = expected(kind, case, parameters)
        assert call.distances is not None
        for position, distance in enumerate(call.distances):
            assert distance is not None
            needed = measured_distance(call, operands(case, call), position, np.zeros_like(want))
            assert distance >= needed, f"{call.function}: seed {seed}"


def test_both_ways_of_reading_a_window_are_reached() -> None:
    channels = {parameters.in_channels % 4 == 0 for _, _, parameters, _ in specialised("dsp", "CONV_2D", "single")}  # type: ignore[attr-defined]
    assert channels == {True, False}


def test_depthwise_of_one_channel_is_a_convolution() -> None:
    functions = {
        call.function for _, _, parameters, call in specialised("dsp", "DEPTHWISE_CONV_2D", "single") if parameters.in_channels == 1
    }  # type: ignore[attr-defined]
    assert "tinykd_conv_2d_dsp_s8" in functions


def test_deep_products_are_summed_in_runs() -> None:
    """Where two filters' sums together leave 32 bits, they are taken apart on the way."""
    rng = np.random.default_rng(0)
    depth, row = 2002, OPERATORS["FULLY_CONNECTED"]
    p = lower(conv_then_dense()).layers[-1].parameters
    weights = rng.integers(60, 128, (6, depth)).astype(np.int8)
    scales = {"multipliers": np.full(6, 1_500_000_001, np.int32), "shifts": np.full(6, -17, np.int32), "bias": np.arange(6, dtype=np.int32)}
    deep = replace(p, weights=weights, rows=1, output_shape=(1, 6), clamp=(-128, 127), **scales)
    call = dsp.fully_connected(deep)
    assert call is not None
    assert int(call.fields["run"]) * 4 < depth
    for x in (np.full((1, depth), 127, np.int8), np.full((1, depth), -128, np.int8), rng.integers(-128, 128, (1, depth)).astype(np.int8)):
        (want,) = row.reference(deep, [x])
        outputs = [np.zeros_like(want)]
        kernels.run(call, [x], outputs)
        np.testing.assert_array_equal(outputs[0], want)


def test_filters_of_zeros_become_constants_that_are_not_shifted() -> None:
    """A converter gives an empty filter any scale; the sum is its bias, which must not keep the layer from the faster kernel."""
    program = lower(conv_then_dense())
    p = program.layers[0].parameters
    weights, bias = p.weights.copy(), p.bias.copy()
    weights[1], bias[1] = 0, 5_000_000
    shifts = p.shifts.copy()
    shifts[1] = 3 - 20
    odd = replace(p, weights=weights, bias=bias, shifts=shifts)
    shifted = replace(odd, shifts=np.where(np.arange(4) == 1, 2, shifts), bias=np.where(np.arange(4) == 1, 7, bias).astype(np.int32))
    rng = np.random.default_rng(0)
    for parameters in (odd, shifted):
        call = dsp.conv_2d(parameters)
        assert call is not None
        x = rng.integers(-128, 128, (1, 6, 6, 2)).astype(np.int8)
        (want,) = program.layers[0].row.reference(parameters, [x])
        outputs = [np.zeros_like(want)]
        kernels.run(call, [x], outputs)
        np.testing.assert_array_equal(outputs[0], want)


def test_cores_without_the_instructions_keep_the_portable_kernels() -> None:
    program = lower(conv_then_dense())
    assert [layer.call for layer in specialise(program, ()).layers] == [layer.call for layer in program.layers]
    assert all("dsp" in layer.call.function for layer in specialise(program, ("dsp",)).layers if isinstance(layer.call, Call))


def test_where_flash_counts_an_operator_has_one_kernel() -> None:
    """A convolution of single pixels reads them where they lie, others from lines: two ends of one function."""
    fast = {call.function for *_, call in specialised("mve", "CONV_2D", "single")}
    small = {call.function for *_, call in specialised("small_mve", "CONV_2D", "single")}
    assert len(fast) > 4
    assert small <= {"tinykd_conv_2d_small_mve_s8", "tinykd_conv_2d_lines_small_mve_s8"}
    assert {call.function for *_, call in specialised("small_mve", "DEPTHWISE_CONV_2D", "single")} == {"tinykd_depthwise_conv_2d_n_mve_s8"}


@pytest.mark.parametrize("seed", range(6))
def test_small_kernel_on_pixels_where_they_lie(seed: int) -> None:
    """Inputs of 16 to 80 channels, an odd number of pixels among them, every or every second one."""
    rng = np.random.default_rng(seed)
    w, stride = Network(rng), 1 + seed % 2
    source = w.tensor((1, int(rng.integers(1, 7)), int(rng.integers(1, 7)), 16 * (1 + seed % 5)), w.quant())
    made = convolution(w, "CONV_2D", source, int(rng.choice([4, 8, 20])), (1, stride, 1), (1, stride, 1), SAME, seed % 2)
    (layer,) = lower(Graph(tuple(w.tensors), tuple(w.ops), (source,), (made,))).layers
    call = mve.small_conv_2d(layer.parameters)
    assert call is not None
    assert call.function == "tinykd_conv_2d_small_mve_s8"
    x = rng.integers(-128, 128, w.tensors[source].shape).astype(np.int8)
    (want,) = OPERATORS["CONV_2D"].reference(layer.parameters, (x,))
    outputs = [np.zeros_like(want)]
    kernels.run(call, [x], outputs)
    np.testing.assert_array_equal(outputs[0], want)
