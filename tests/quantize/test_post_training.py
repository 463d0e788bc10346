"""Conversion without training: what the files compute, what they are made of, and that they are always the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinykd import nets
from tinykd.compile.reader import read_model
from tinykd.distill.keras_modules import keras
from tinykd.errors import UnsupportedModel
from tinykd.quantize.integers import TfliteModel
from tinykd.quantize.post_training import dynamic_range_model, float_model, int8_model

pytestmark = pytest.mark.train

X = np.random.default_rng(0).random((48, 12, 12, 1), dtype=np.float32)
NETS: dict[str, dict[str, Any]] = {
    "mlp": {"hidden": [32]},
    "ds_cnn": {"width": 8, "depth": 1},
    "resnet": {"width": 4, "stages": 2, "blocks": 1},
}


def network(net: str) -> Any:
    """Fresh weights, always the same; batch-norm statistics that are not those of a fresh network."""
    keras().utils.set_random_seed(1)
    model = nets.build(net, keras(), X.shape[1:], 10, **NETS[net])
    model(X, training=True)
    return model


@pytest.mark.parametrize("net", NETS)
def test_float_computes_what_keras_computes(net: str) -> None:
    model = network(net)
    wanted = np.asarray(model(X, training=False))
    found = TfliteModel(float_model(model)).real_outputs(X)
    np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.parametrize("net", NETS)
def test_int8_is_integers_near_the_float_network(net: str) -> None:
    model = network(net)
    data = int8_model(model, X)
    found = TfliteModel(data)
    assert found.input_dtype == "int8"
    assert all(tensor.dtype != "float32" for tensor in read_model(data).tensors)
    wanted = np.asarray(model(X, training=False))
    # Rounding errors of a few layers, in steps of the output.
    assert np.abs(found.real_outputs(X) - wanted).max() < 12 * found.output_step
    assert np.mean(found.real_outputs(X).argmax(1) == wanted.argmax(1)) > 0.8


def test_dynamic_range_rounds_large_weights_only() -> None:
    model = network("mlp")
    graph = read_model(dynamic_range_model(model))
    weights = {tensor.shape: tensor.dtype for tensor in graph.tensors if tensor.is_constant and len(tensor.shape) == 2}
    assert weights[(32, 144)] == "int8"
    assert weights[(10, 32)] == "float32"  # 320 values: the converter leaves fewer than 1024 alone
    wanted = np.asarray(model(X, training=False))
    found = TfliteModel(dynamic_range_model(model)).real_outputs(X)
    assert 0 < np.abs(found - wanted).max() < 0.03 * np.abs(wanted).max()


@pytest.mark.parametrize("convert", [float_model, dynamic_range_model, lambda model: int8_model(model, X)])
def test_bytes_do_not_depend_on_what_was_built_before(convert: Callable[[Any], bytes]) -> None:
    """Keras numbers layers and functions by counters of the process; none of that may reach the file."""
    first = convert(network("ds_cnn"))
    for _ in range(2):
        network("resnet")(X[:1])
    assert convert(network("ds_cnn")) == first


def test_a_network_without_an_int8_form_is_refused() -> None:
    layers = keras().layers
    inputs = keras().Input((4, 4, 1))
    model = keras().Model(inputs, layers.Dense(3)(layers.Flatten()(keras().ops.sin(inputs))))
    with pytest.raises(UnsupportedModel):
        int8_model(model, X[:8, :4, :4])
