"""Which layer of the student is compared with which of the teacher: from names, globs or `auto` to pairs of names.

Layers come as a mapping from name to the shape of one sample's output, in the order of the forward pass.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase

from tinykd.errors import RecipeError
from tinykd.recipe.losses import FeatureSection
from tinykd.recipe.losses.loss import Auto

Shape = tuple[int, ...]
Layers = Mapping[str, Shape]
PairNames = tuple[tuple[str, str], ...]

#: Layers that a message lists.
SHOWN = 16


def resolve_pairs(section: FeatureSection, student: Layers, teacher: Layers) -> PairNames:
    """(student layer, teacher layer) for every comparison that the section asks for.

    A glob stands for every layer that it matches, in order; two globs of a pair must match equally many.

    Raises:
        RecipeError: no such layer, unequal matches, or nothing that `auto` could match.
    """
    if section.pairs == "auto":
        return AUTO[section.auto](section.name, student, teacher)
    resolved: list[tuple[str, str]] = []
    for ours, theirs in section.pairs:
        mine, yours = _matches(ours, student, "student"), _matches(theirs, teacher, "teacher")
        if len(mine) != len(yours):
            raise RecipeError(
                f"{section.name}: {ours} matches {len(mine)} layers of the student ({', '.join(mine[:SHOWN])}) "
                f"and {theirs} matches {len(yours)} of the teacher ({', '.join(yours[:SHOWN])})",
                "make the globs narrower, or name the layers",
            )
        resolved += zip(mine, yours, strict=True)
    if not resolved:
        raise RecipeError(f"{section.name}: pairs is empty", 'name [student layer, teacher layer], or write pairs = "auto"')
    return tuple(resolved)


def _matches(pattern: str, layers: Layers, whose: str) -> list[str]:
    if pattern in layers:
        return [pattern]
    found = [name for name in layers if fnmatchcase(name, pattern)]
    if found:
        return found
    if not layers:
        raise RecipeError(
            f"the {whose} shows no layers, so {pattern} cannot be compared",
            "give a Keras teacher (.keras, .h5), or store its features beside its logits",
        )
    near = difflib.get_close_matches(pattern, layers, 3)
    names = list(layers)
    listed = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
    raise RecipeError(
        f"the {whose} has no layer {pattern}", (f"did you mean {' or '.join(near)}? " if near else "") + f"its layers: {listed}"
    )


def _maps(name: str, student: Layers, teacher: Layers) -> PairNames:
    """The last layer of each spatial size that both have, from large to small; the embeddings where one has no maps."""
    mine, yours = _last_of_each_size(student), _last_of_each_size(teacher)
    if not mine or not yours:
        return _embedding(name, student, teacher)
    sizes = [size for size in mine if size in yours]
    if not sizes:
        raise RecipeError(
            f"{name}: no layer of the student has the height and width of a layer of the teacher: {_sizes(mine)} beside {_sizes(yours)}",
            "name the layers: pairs = [[student layer, teacher layer], ...]; the larger map is pooled to the smaller",
        )
    return tuple((mine[size], yours[size]) for size in sorted(sizes, key=lambda size: -size[0] * size[1]))


def _inner_maps(name: str, student: Layers, teacher: Layers) -> PairNames:
    """Without the largest size, the stem's, which costs as much as all others together; two sizes stay two."""
    pairs = _maps(name, student, teacher)
    return pairs[1:] if len(pairs) > 2 else pairs


def _last_map(name: str, student: Layers, teacher: Layers) -> PairNames:
    return _maps(name, student, teacher)[-1:]


def _embedding(name: str, student: Layers, teacher: Layers) -> PairNames:
    """The last vector before the logits of each."""
    return ((_vector(name, student, "student"), _vector(name, teacher, "teacher")),)


def _vector(name: str, layers: Layers, whose: str) -> str:
    vectors = [layer for layer, shape in layers.items() if len(shape) == 1]
    if len(vectors) < 2:
        raise RecipeError(
            f"{name}: the {whose} has no vector before its logits", "name the layers: pairs = [[student layer, teacher layer], ...]"
        )
    return vectors[-2]


def _last_of_each_size(layers: Layers) -> dict[tuple[int, int], str]:
    return {(shape[0], shape[1]): layer for layer, shape in layers.items() if len(shape) == 3}


def _sizes(found: Mapping[tuple[int, int], str]) -> str:
    return ", ".join(f"{height}x{width}" for height, width in found)


AUTO: dict[Auto, Callable[[str, Layers, Layers], PairNames]] = {
    "maps": _maps,
    "inner_maps": _inner_maps,
    "last_map": _last_map,
    "embedding": _embedding,
}
"""What `pairs = "auto"` means to a loss, by its section's `auto`."""
