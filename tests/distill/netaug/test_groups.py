"""Which channel dimensions go together."""

from __future__ import annotations

import pytest

from tests.distill.netaug.networks import NETWORKS, L, keras
from tinykd.distill.netaug.groups import Layout, find_groups
from tinykd.errors import UnsupportedModel
from tinykd.recipe.netaug import NetAug

pytestmark = pytest.mark.train

SECTION = NetAug(width=(1.0, 2.0), expand=(1.0, 3.0))


def kinds(name: str) -> dict[str, tuple[str, tuple[int, ...]]]:
    return {group.name: (group.kind, group.widths) for group in find_groups(NETWORKS[name](), SECTION).groups}


def test_every_layer_of_a_chain_is_widened() -> None:
    assert kinds("ds_cnn") == {
        "conv": ("width", (3, 6)),
        "block1_pointwise": ("width", (4, 8)),
        "block2_pointwise": ("width", (6, 12)),
    }


def test_sums_join_and_what_a_shortcut_goes_around_expands() -> None:
    assert kinds("resnet8") == {
        "conv": ("width", (3, 6)),  # with stage1_block1_conv2, added to it
        "stage1_block1_conv1": ("expand", (3, 9)),
        "stage2_block1_conv1": ("expand", (6, 18)),
        "stage2_block1_conv2": ("width", (6, 12)),  # with stage2_block1_shortcut
        "stage3_block1_conv1": ("expand", (12, 36)),
        "stage3_block1_conv2": ("width", (12, 24)),
    }


def test_bottlenecks_expand_with_and_without_a_shortcut() -> None:
    found = kinds("mobilenet_v2_tiny")
    assert {name for name, (kind, _) in found.items() if kind == "expand"} == {name for name in found if name.endswith("expand")}
    assert len(found) == 8


def test_a_layer_that_is_not_known_keeps_its_channels() -> None:
    grouping = find_groups(NETWORKS["residual"](), SECTION)
    assert {group.name for group in grouping.groups} == {"first", "free"}
    assert grouping.kept == ("unknown",)
    assert grouping.entering["free"] == Layout((-6,))
    assert grouping.leaving["sum"] == grouping.leaving["first"] == grouping.leaving["back"]


def test_concatenation_and_flattening_keep_track_of_channels() -> None:
    model = NETWORKS["concatenated"]()
    grouping = find_groups(model, SECTION)
    dense, logits = (layer for layer in model.layers if type(layer).__name__ == "Dense")
    first, left, wide = (layer for layer in model.layers if type(layer).__name__ == "Conv2D")
    number = {group.name: place for place, group in enumerate(grouping.groups)}
    assert grouping.entering[wide.name] == Layout((number[left.name], number[first.name]))
    assert grouping.entering[dense.name] == Layout((number[wide.name],), 9)
    assert grouping.leaving[logits.name] == Layout((-5,))


def test_nothing_to_widen_is_refused() -> None:
    inputs = keras.Input((4,))
    with pytest.raises(UnsupportedModel, match="nothing to widen"):
        find_groups(keras.Model(inputs, L.Dense(3)(inputs)), SECTION)
    with pytest.raises(UnsupportedModel, match="odd \\(LayerNormalization\\)"):
        find_groups(keras.Model(inputs, L.Dense(3)(L.LayerNormalization(name="odd")(L.Dense(5)(inputs)))), SECTION)


def test_a_layer_used_twice_is_refused() -> None:
    inputs, shared = keras.Input((4,)), L.Dense(4, name="shared")
    with pytest.raises(UnsupportedModel, match="used several times"):
        find_groups(keras.Model(inputs, L.Dense(3)(shared(shared(inputs)))), SECTION)
