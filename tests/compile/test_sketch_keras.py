"""Keras models as sketches: the figures of what their conversion gives."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tinykd.compile.sketch import flash, from_keras, peak_ram
from tinykd.deploy.source import open_source
from tinykd.errors import UnsupportedModel
from tinykd.target.features import FEATURES

if importlib.util.find_spec("keras") is None:
    pytest.skip("Keras is not installed", allow_module_level=True)

from tinykd.distill.keras_modules import keras as keras_3

keras = keras_3()  # an import of one's own would choose the wrong tf.keras for all that comes later
pytestmark = pytest.mark.train
STUDENT = Path("models/mnist/student_int8.tflite")
KNOBS = {"width": [16, 32, 64, 72, 80], "depth": 4, "strides": [1, 2, 2]}
"""As its recipe has them."""


@pytest.mark.parametrize("core", sorted(FEATURES))
def test_a_student_before_its_training_needs_what_it_needs_after(core: str) -> None:
    from tinykd.nets import build

    real = open_source(STUDENT).graph
    drawn = from_keras(build("ds_cnn", keras, (28, 28, 1), 10, **KNOBS))
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
