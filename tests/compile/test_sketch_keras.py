"""Keras models as sketches: the figures of what their conversion gives."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tinykd.compile.sketch import flash, from_keras, peak_ram
from tinykd.deploy.source import open_source
from tinykd.errors import UnsupportedModel
from tinykd.recipe.toml import load_recipe
from tinykd.target.features import FEATURES

if importlib.util.find_spec("keras") is None:
    pytest.skip("Keras is not installed", allow_module_level=True)

from tinykd.distill.keras_modules import keras as keras_3

keras = keras_3()  # an import of one's own would choose the wrong tf.keras for all that comes later
pytestmark = pytest.mark.train
STUDENT = Path("models/mnist/student_int8.tflite")


@pytest.mark.parametrize("core", sorted(FEATURES))
def test_a_student_before_its_training_needs_what_it_needs_after(core: str) -> None:
    from tinykd.nets import build

    real = open_source(STUDENT).graph
    student = load_recipe("mnist").student
    drawn = from_keras(build(student.net, keras, (28, 28, 1), 10, **student.knobs))
    assert peak_ram(drawn, FEATURES[core], "exact") == peak_ram(real, FEATURES[core], "exact")
    assert flash(drawn, FEATURES[core]) == pytest.approx(flash(real, FEATURES[core]), rel=0.01)


@pytest.mark.parametrize("net", ["ds_cnn", "resnet8", "mlp", "mobilenet_v2_tiny"])
def test_every_net_of_ours_can_be_drawn(net: str) -> None:
    from tinykd.nets import build

    model = build(net, keras, (16,) if net == "mlp" else (16, 16, 3), 4)
    weights = sum(weight.size for weight in model.get_weights())
    graph = from_keras(model)
    assert graph.tensors[graph.outputs[0]].shape == (1, 4)
    assert 0 < flash(graph) < 8 * weights
    assert peak_ram(graph) >= peak_ram(graph, bound="exact") > 0


def test_a_layer_without_a_sketch_is_named() -> None:
    inputs = keras.Input((8, 4))
    with pytest.raises(UnsupportedModel, match="'memory' of type LSTM"):
        from_keras(keras.Model(inputs, keras.layers.LSTM(3, name="memory")(inputs)))


def test_every_operand_of_an_add_is_drawn() -> None:
    inputs = keras.Input((4, 4, 3))
    branches = [keras.layers.Conv2D(2, 1)(inputs) for _ in range(3)]
    graph = from_keras(keras.Model(inputs, keras.layers.ReLU()(keras.layers.Add()(branches))))
    adds = [op for op in graph.ops if op.kind == "ADD"]
    assert len(adds) == 2
    assert [bool(op.options.fused_activation) for op in adds] == [False, True], "the rectifier fuses with the last"


def test_an_activation_that_would_be_an_operator_is_refused() -> None:
    inputs = keras.Input((4, 4, 3))
    with pytest.raises(UnsupportedModel, match="'wavy' ends with silu"):
        from_keras(keras.Model(inputs, keras.layers.Conv2D(2, 1, activation="swish", name="wavy")(inputs)))
