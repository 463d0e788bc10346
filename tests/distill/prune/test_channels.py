"""Channel pruning: the smaller network is the larger one with those channels at zero; which channels go; how many."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.distill.netaug.networks import NETWORKS, random_weights, samples
from tinykd import nets
from tinykd.compile.sketch import flash, from_keras
from tinykd.distill.keras_modules import keras
from tinykd.distill.netaug.cut import positions
from tinykd.distill.netaug.groups import channel_groups
from tinykd.distill.prune.amount import CORES, SIZES, by_all, by_layer, prune_channels
from tinykd.distill.prune.importance import importance
from tinykd.distill.prune.shrinking import shrunk
from tinykd.errors import OverBudget, UnsupportedModel
from tinykd.recipe.prune import Prune
from tinykd.target.features import FEATURES

pytestmark = pytest.mark.train


def trained(model: Any) -> Any:
    random_weights(model.variables, 3)
    return model


def small(**knobs: Any) -> Any:
    return trained(nets.build("ds_cnn", keras(), (8, 8, 1), 4, **{"width": [4, 6, 8], "depth": 2, **knobs}))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_pruned_network_is_the_original_with_channels_at_zero(name: str) -> None:
    """Zero where they are read: whatever a removed channel is, nobody sees it."""
    model = trained(NETWORKS[name]())
    if type(model).__name__ == "Sequential":
        model = keras().Model(model.inputs[0], model.outputs[0])
    grouping = channel_groups(model)
    draws = np.random.default_rng(0)
    kept = [np.sort(draws.permutation(group.tiny)[: max(1, group.tiny // 2)]) for group in grouping.groups]
    result = shrunk(model, grouping, kept)
    assert {layer.name for layer in result.layers if layer.variables} == {layer.name for layer in model.layers if layer.variables}
    assert result.count_params() < model.count_params()
    for layer in model.layers:
        if layer.name in grouping.entering and type(layer).__name__ in ("Conv1D", "Conv2D", "Dense"):
            kernel = np.array(layer.kernel)
            gone = np.setdiff1d(np.arange(kernel.shape[-2]), positions(grouping.groups, grouping.entering[layer.name], kept))
            kernel[..., gone, :] = 0.0
            layer.kernel.assign(kernel)
    x = samples(model)
    np.testing.assert_allclose(np.asarray(result(x)), np.asarray(model(x)), atol=1e-6)


def test_channels_at_zero_where_they_are_made() -> None:
    """By hand, without the grouping: batch norms that give 0 in a channel of the first convolution and in one of block 1."""
    model = small()
    gone = {"conv_bn": 1, "block1_depthwise_bn": 1, "block1_pointwise_bn": 4, "block2_depthwise_bn": 4}
    grouping = channel_groups(model)
    assert [group.name for group in grouping.groups] == ["conv", "block1_pointwise", "block2_pointwise"]
    result = shrunk(model, grouping, [np.array([0, 2, 3]), np.array([0, 1, 2, 3, 5]), np.arange(8)])
    for name, channel in gone.items():
        for variable in (model.get_layer(name).gamma, model.get_layer(name).beta):
            values = np.array(variable)
            values[channel] = 0.0
            variable.assign(values)
    x = samples(model)
    np.testing.assert_allclose(np.asarray(result(x)), np.asarray(model(x)), atol=1e-6)
    assert result.get_layer("block1_pointwise").kernel.shape == (1, 1, 3, 5)
    assert result.get_layer("block2_depthwise").kernel.shape == (3, 3, 5, 1)


def test_importance_by_hand() -> None:
    """Two dense layers: norms of their columns over the layer's mean."""
    k = keras()
    inputs = k.Input((2,))
    x = k.layers.ReLU()(k.layers.Dense(3, name="first")(inputs))
    model = k.Model(inputs, k.layers.Dense(2, name="logits")(x))
    model.get_layer("first").set_weights([np.array([[3.0, 1.0, 0.0], [4.0, 1.0, 0.0]]), np.zeros(3)])
    grouping = channel_groups(model)
    mean = (5.0 + np.sqrt(2.0)) / 3
    np.testing.assert_allclose(importance(model, grouping, "l2"), [[5.0 / mean, np.sqrt(2.0) / mean, 0.0]], rtol=1e-6)
    np.testing.assert_allclose(importance(model, grouping, "l1"), [[7.0 / 3.0, 2.0 / 3.0, 0.0]], rtol=1e-6)


def test_the_batch_norms_scale_counts() -> None:
    model = small()
    grouping = channel_groups(model)
    before = importance(model, grouping, "l2")[0]
    norm = model.get_layer("conv_bn")
    norm.gamma.assign(np.array(norm.gamma) * np.array([1.0, 1e-4, 1.0, 1.0]))
    norm = model.get_layer("block1_depthwise_bn")
    norm.gamma.assign(np.array(norm.gamma) * np.array([1.0, 1e-4, 1.0, 1.0]))
    after = importance(model, grouping, "l2")[0]
    assert after.argmin() == 1
    assert after[1] < 0.01 * before[1]


def test_orders() -> None:
    scores = [np.array([0.5, 0.1]), np.array([0.2, 0.9, 0.3, 0.4])]
    assert by_all(scores) == [(0, 1), (1, 0), (1, 2), (1, 3), (0, 0), (1, 1)]
    layer = by_layer(scores)
    assert layer[:3] == [(1, 0), (0, 1), (1, 2)]
    assert sorted(layer) == sorted(by_all(scores))


@pytest.mark.parametrize("ranking", ["layer", "global"])
@pytest.mark.parametrize(("name", "limit"), [("parameters", 150), ("macs", 9000), ("flash", 700)])
def test_targets_are_reached_and_not_by_far(name: str, limit: int, ranking: str) -> None:
    model = small(width=[8, 12, 16])
    amount = f"{limit} B" if name == "flash" else limit
    section = Prune.model_validate({name: amount, "ranking": ranking, "least": 1})
    assert SIZES[name](model) > limit
    found = SIZES[name](prune_channels(model, section).model)
    assert 0.7 * limit < found <= limit


def test_flash_is_that_of_the_core_that_takes_most() -> None:
    assert {features for features in CORES if features} == set(FEATURES.values())
    model = small()
    assert SIZES["flash"](model) == max(flash(from_keras(model), features) for features in [(), *FEATURES.values()])


def test_fraction_least_and_multiple() -> None:
    model = small(width=[8, 12, 16])
    assert prune_channels(model, Prune(fraction=0.5)).channels == {
        "conv": (8, 4),
        "block1_pointwise": (12, 6),
        "block2_pointwise": (16, 8),
    }
    assert [after for _, after in prune_channels(model, Prune(fraction=0.9, least=3)).channels.values()] == [3, 3, 3]
    assert [after for _, after in prune_channels(model, Prune(fraction=0.5, multiple=4)).channels.values()] == [4, 8, 8]


def test_what_cannot_be_done_is_said() -> None:
    with pytest.raises(OverBudget, match=r"reaches \d+ parameters at the least, not 10") as caught:
        prune_channels(small(), Prune(parameters=10))
    assert "prune.least" in caught.value.hint
    k = keras()
    inputs = k.Input((5,))
    with pytest.raises(UnsupportedModel, match="finds no channels"):
        prune_channels(k.Model(inputs, k.layers.Dense(3)(inputs)), Prune())
