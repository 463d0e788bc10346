"""Which layers are compared: names, globs, resolutions."""

from __future__ import annotations

from typing import ClassVar

import pytest

from tinykd.distill.pairs import resolve_pairs
from tinykd.errors import RecipeError
from tinykd.recipe.losses import FeatureSection
from tinykd.recipe.losses.loss import Auto

STUDENT = {
    "conv": (8, 8, 4), "conv_relu": (8, 8, 4), "block1_relu": (4, 4, 6), "block2_relu": (4, 4, 6), "pool": (6,), "logits": (3,)
}  # fmt: skip
TEACHER = {
    "stem": (16, 16, 9), "a1": (8, 8, 9), "a2": (8, 8, 9), "b1": (4, 4, 18), "c1": (2, 2, 36), "flat": (144,), "fc": (20,), "logits": (3,)
}  # fmt: skip


class Maps(FeatureSection):
    name: str = "maps"


class InnerMaps(Maps):
    auto: ClassVar[Auto] = "inner_maps"


class LastMap(Maps):
    auto: ClassVar[Auto] = "last_map"


class Embedding(Maps):
    auto: ClassVar[Auto] = "embedding"


def test_auto_takes_the_last_layer_of_each_size_that_both_have() -> None:
    assert resolve_pairs(Maps(), STUDENT, TEACHER) == (("conv_relu", "a2"), ("block2_relu", "b1"))
    assert resolve_pairs(LastMap(), STUDENT, TEACHER) == (("block2_relu", "b1"),)
    assert resolve_pairs(Embedding(), STUDENT, TEACHER) == (("pool", "fc"),)


def test_auto_leaves_out_the_largest_of_more_than_two_sizes() -> None:
    assert resolve_pairs(InnerMaps(), STUDENT, TEACHER) == (("conv_relu", "a2"), ("block2_relu", "b1"))
    deeper = {"stem": (16, 16, 4), **STUDENT}
    assert resolve_pairs(Maps(), deeper, TEACHER)[0] == ("stem", "stem")
    assert resolve_pairs(InnerMaps(), deeper, TEACHER) == (("conv_relu", "a2"), ("block2_relu", "b1"))


def test_auto_without_maps_compares_embeddings() -> None:
    vectors = {"dense1": (7,), "dense1_relu": (7,), "logits": (3,)}
    assert resolve_pairs(Maps(), vectors, TEACHER) == (("dense1_relu", "fc"),)


def test_names_and_globs() -> None:
    assert resolve_pairs(Maps(pairs=(("conv", "c1"),)), STUDENT, TEACHER) == (("conv", "c1"),)
    assert resolve_pairs(Maps(pairs=(("block*_relu", "a*"),)), STUDENT, TEACHER) == (("block1_relu", "a1"), ("block2_relu", "a2"))
    brackets = {"layer[0]": (2, 2, 1), **STUDENT}
    assert resolve_pairs(Maps(pairs=(("layer[0]", "a1"),)), brackets, TEACHER) == (("layer[0]", "a1"),), "a name goes before a glob"


@pytest.mark.parametrize(
    ("pairs", "message", "hint"),
    [
        ((("conv_rel", "a1"),), "the student has no layer conv_rel", "did you mean conv_relu"),
        ((("conv", "zzz"),), "the teacher has no layer zzz", "its layers: stem, a1"),
        ((("block*_relu", "b*"),), "matches 2 layers of the student", "narrower"),
        ((), "pairs is empty", "auto"),
    ],
)
def test_what_cannot_be_paired_is_named(pairs: tuple[tuple[str, str], ...], message: str, hint: str) -> None:
    with pytest.raises(RecipeError, match=message.replace("*", r"\*")) as refused:
        resolve_pairs(Maps(pairs=pairs), STUDENT, TEACHER)
    assert hint in refused.value.hint


def test_auto_says_what_sizes_there_are() -> None:
    with pytest.raises(RecipeError, match="8x8, 4x4 beside 5x5"):
        resolve_pairs(Maps(), STUDENT, {"x": (5, 5, 2), "logits": (3,)})
    with pytest.raises(RecipeError, match="no vector before its logits"):
        resolve_pairs(Embedding(), STUDENT, {"x": (5, 5, 2), "logits": (3,)})
    with pytest.raises(RecipeError, match="shows no layers"):
        resolve_pairs(Maps(pairs=(("conv", "a1"),)), STUDENT, {})
