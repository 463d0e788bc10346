"""Weights of few bits: grids by hand, steps, which layers keep eight, and that integers and network stay the same numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tests.distill.small import small_recipe
from tests.quantize.native.students import EXACT, X, randomized, student
from tinykd import nets
from tinykd.compile.graph import Graph
from tinykd.compile.reader import read_model
from tinykd.compile.weight_storage import entropy, stored_weights
from tinykd.distill.evaluation import predictor
from tinykd.distill.keras_modules import keras, tensorflow
from tinykd.distill.progress import QuietProgress
from tinykd.distill.run import distill
from tinykd.distill.schemes.quantized import rounded_by_channel, shared_axes
from tinykd.errors import RecipeError
from tinykd.quantize.integers import TfliteModel
from tinykd.quantize.native.engine import NativeEngine
from tinykd.quantize.native.network import QuantizedNetwork
from tinykd.quantize.native.rounding import LearnedWeightQuantizer, WeightQuantizer
from tinykd.quantize.native.weight_grid import GRIDS, least_squares_steps
from tinykd.recipe.model import Net, Quantize
from tinykd.report.run import open_report, report_text

pytestmark = pytest.mark.train

SAMPLES = X[:64]
INTEGERS = {8: range(-127, 128), 4: range(-7, 8), 2: (-3, -1, 1, 3), "ternary": (-1, 0, 1)}


def prepared(model: Any, bits: Any, **settings: Any) -> tuple[NativeEngine, QuantizedNetwork]:
    engine = NativeEngine(Quantize(engine="native", weight_bits=bits, **settings))
    network = engine.prepare(model, Net(), X, 4)
    assert isinstance(network, QuantizedNetwork)
    return engine, network


def graph_of(engine: NativeEngine, network: QuantizedNetwork) -> Graph:
    return read_model(engine.convert(network))


@pytest.mark.parametrize("bits", INTEGERS)
def test_grids(bits: Any) -> None:
    """Every integer of a grid is its own, and what is between goes to the nearest."""
    quantizer = WeightQuantizer((0,), GRIDS[bits])
    integers = np.array(INTEGERS[bits], np.float32)
    step = np.array([0.5], np.float32)
    assert quantizer.integers(integers * step, step).tolist() == list(INTEGERS[bits])
    values = np.linspace(-1.3, 1.3, 1001, dtype=np.float32) * quantizer.largest
    found = quantizer.integers(values * step, step)
    best = np.abs(values[:, None] - integers).min(axis=1)
    np.testing.assert_allclose(np.abs(values - found), best, atol=1e-5)
    np.testing.assert_array_equal(np.asarray(quantizer.whole(keras().ops.convert_to_tensor(values * step), step)), found)


def test_two_bits_by_hand() -> None:
    quantizer = LearnedWeightQuantizer((0,), GRIDS[2], np.array([[0.1]], np.float32), 4, "layer")
    tf = tensorflow()
    weights = tf.constant([[0.05], [-0.02], [0.25], [-0.9]])
    with tf.GradientTape() as tape:
        tape.watch(weights)
        rounded = quantizer(weights)
    np.testing.assert_allclose(np.asarray(rounded)[:, 0], [0.1, -0.1, 0.3, -0.3], rtol=1e-5)
    assert tape.gradient(rounded, weights)[:, 0].numpy().tolist() == [1.0, 1.0, 1.0, 0.0]


def test_least_squares_steps_by_hand() -> None:
    """A channel on the grid keeps its step; one with an outlier among small weights is clipped."""
    on_grid = 0.3 * np.tile([-7.0, 3.0, 1.0, 7.0], 25)
    outlier = np.concatenate([np.linspace(-0.1, 0.1, 99), [1.0]])
    weights = np.stack([on_grid, outlier], axis=1).astype(np.float32)
    steps = least_squares_steps(weights, (0,), GRIDS[4])
    assert steps.shape == (1, 2)
    assert steps[0, 0] == pytest.approx(0.3, rel=1e-6)
    assert steps[0, 1] < 1.0 / 7


@pytest.mark.parametrize("bits", [4, 2, "ternary"])
@pytest.mark.parametrize("net", ["ds_cnn", "resnet8", "mlp"])
def test_shipped_networks_and_their_integers_are_the_same_numbers(net: str, bits: Any) -> None:
    knobs: dict[str, dict[str, Any]] = {"ds_cnn": {"width": 8, "depth": 2}, "resnet8": {"width": 4}, "mlp": {"hidden": [16, 8]}}
    model = randomized(nets.build(net, keras(), (12, 12, 1), 5, **knobs[net]))
    engine, network = prepared(model, bits)
    network(X[:32], training=True)
    converted = TfliteModel(engine.convert(network))
    assert np.abs(predictor(network)(SAMPLES) - converted.real_outputs(SAMPLES)).max() / converted.output_step < 0.01
    rows = stored_weights(graph_of(engine, network))
    assert len(rows) > 2
    for row in rows[1:-1]:
        assert row.dtype == ("int4" if bits == 4 else "int8")
        assert row.stored_bytes == ((row.weights + 1) // 2 if bits == 4 else row.weights)
        assert row.levels <= len(INTEGERS[bits])
    assert rows[0].dtype == rows[-1].dtype == "int8"
    assert rows[0].levels > 15
    errors = engine.errors(network, SAMPLES)
    assert errors[-1].weight_bits == 8
    assert {one.weight_bits for one in errors} - {None} == {8, GRIDS[bits].bits}


@pytest.mark.parametrize("name", ["conv", "depthwise", "transposed", "sequence", "dense", "shared"])
def test_every_kind_of_kernel_at_four_bits(name: str) -> None:
    """Grouped, dilated, separable, one-dimensional, transposed: LiteRT runs each where it has int4, the others keep int8."""
    engine, network = prepared(student(EXACT[name]), 4, eight_bits=())
    converted = TfliteModel(engine.convert(network))
    assert np.abs(predictor(network)(SAMPLES) - converted.real_outputs(SAMPLES)).max() / converted.output_step < 1.01
    # A batch norm by itself becomes a depthwise convolution of int8, whose weights are its scale: no kernel of the student's.
    rows = stored_weights(graph_of(engine, network))
    turned = sum(row.kind == "TRANSPOSE_CONV" for row in rows)
    assert sum(row.dtype == "int4" for row in rows) == len(network.quantizers) - turned
    assert all(row.levels <= 15 for row in rows if row.dtype == "int4" or row.kind == "TRANSPOSE_CONV")


def test_training_moves_steps_and_weights_towards_the_student() -> None:
    """Twenty steps of regression on the float student's answers lower the error at four bits."""
    model = randomized(nets.build("ds_cnn", keras(), (12, 12, 1), 5, width=8, depth=1))
    _, network = prepared(model, 2)
    target = np.asarray(model(X))
    learned = [one for one in network.trainable_variables if "weight_range" in one.name]
    before = [np.array(one) for one in learned]
    optimizer = keras().optimizers.Adam(0.01)
    optimizer.build(network.trainable_variables)
    tf = tensorflow()
    losses = []
    for _ in range(20):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((network(X, training=True) - target) ** 2)
        optimizer.apply_gradients(
            zip(tape.gradient(loss, [one.value for one in network.trainable_variables]), network.trainable_variables, strict=True)
        )
        losses.append(float(loss))
    assert losses[-1] < 0.7 * losses[0]
    assert any(np.abs(old - np.array(new)).max() > 1e-3 for old, new in zip(before, learned, strict=True))


@pytest.mark.parametrize("bits", [4, 2])
def test_a_student_trained_by_the_scheme_quantized_goes_on_as_it_is(bits: Any) -> None:
    """With a grid a channel its kernels are the engine's integers already: nothing is rounded a second time."""
    model = randomized(nets.build("ds_cnn", keras(), (12, 12, 1), 5, width=8, depth=1))
    axes = shared_axes(model)
    assert [len(one) for _, one in axes] == [3, 3, 3, 1]
    for variable, within in axes:
        variable.assign(rounded_by_channel(variable.value, bits, within))
    _, network = prepared(model, bits, eight_bits=())
    for index, quantizer in network.quantizers.items():
        kernel = network.network.nodes[index].operation.kernel.value  # type: ignore[attr-defined]
        np.testing.assert_allclose(np.asarray(quantizer(kernel)), np.asarray(kernel), rtol=1e-5, atol=1e-7)


def test_quantized_distillation_ends_in_four_bits(tmp_path: Path) -> None:
    """A whole run: after the scheme's training the conversion to int4 changes no weight."""
    distilled = {"scheme": {"name": "quantized", "bits": 4, "grid": "channel"}, "baseline": False}
    low = {"engine": "native", "method": "ptq", "weight_bits": 4, "eight_bits": []}
    distill(
        small_recipe(tmp_path, distill=distilled, quantize=low),
        tmp_path / "run",
        command="test",
        progress=QuietProgress(),
    )
    report = open_report(tmp_path / "run")
    assert report.weights is not None
    assert [row.dtype for row in report.weights.layers] == ["int4"] * 4
    assert report.quantization_error is not None
    by_weights = [row.weights_sqnr for row in report.quantization_error.layers if row.weights_sqnr is not None]
    assert len(by_weights) == 4
    assert min(by_weights) > 100
    shown = report_text(report)
    assert "Not halved" in shown
    assert "entropy" in shown


def test_layers_that_keep_eight_bits() -> None:
    model = nets.build("ds_cnn", keras(), (12, 12, 1), 5, width=8, depth=2)
    engine, network = prepared(model, 4, eight_bits=("*depthwise", "last"))
    rows = {row.layer: row.dtype for row in stored_weights(graph_of(engine, network))}
    assert [dtype for layer, dtype in rows.items() if "depthwise" in layer] == ["int8", "int8"]
    assert [dtype for layer, dtype in rows.items() if "pointwise" in layer] == ["int4", "int4"]
    assert rows["conv_relu"] == "int4"
    assert rows["logits"] == "int8"
    with pytest.raises(RecipeError, match="eight_bits names blokc, which no layer") as caught:
        prepared(model, 4, eight_bits=("blokc",))
    assert "block1_depthwise" in caught.value.hint


def test_the_recipe_refuses_what_it_cannot_do() -> None:
    with pytest.raises(ValidationError, match="weight_bits needs engine"):
        Quantize(engine="tfmot", weight_bits=4)
    with pytest.raises(ValidationError, match="8, 4, 2 or 'ternary'"):
        Quantize.model_validate({"engine": "native", "weight_bits": 3})


def test_storage_by_hand() -> None:
    assert entropy(np.array([0, 0, 1, 1])) == pytest.approx(1.0)
    assert entropy(np.zeros(9)) == 0.0
    model = nets.build("mlp", keras(), (6,), 3, hidden=(4, 4))
    engine = NativeEngine(Quantize(engine="native", weight_bits=4))
    graph = read_model(engine.convert(engine.prepare(model, Net(), np.random.default_rng(0).normal(size=(64, 6)).astype(np.float32), 1)))
    first, middle, last = stored_weights(graph)
    assert (first.weights, first.stored_bytes) == (24, 24)
    assert (middle.weights, middle.stored_bytes, middle.dtype) == (16, 8, "int4")
    assert last.stored_bytes == 12
    # Weights that two operators share are stored once.
    assert len(stored_weights(replace(graph, ops=(*graph.ops, graph.ops[-1])))) == 3
