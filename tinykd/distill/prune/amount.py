"""How many channels go: the least important ones, until the network is as small as the recipe wants it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.compile.sketch import flash, from_keras
from tinykd.compile.sketch.lowering import program_of
from tinykd.distill.netaug.groups import MAKERS, Grouping, channel_groups
from tinykd.distill.prune.importance import importance
from tinykd.distill.prune.shrinking import Positions, shrunk
from tinykd.errors import OverBudget, UnsupportedModel
from tinykd.recipe.prune import Prune
from tinykd.sizes import parse_size

CORES: Sequence[tuple[str, ...]] = ((), ("blocked", "software_float"), ("dsp", "blocked"), ("mve", "dsp", "blocked"))
"""What cores let kernels use (`tinykd.target.features`), which decides how weights are laid out."""


def constants(model: Any) -> int:
    """Bytes of weights, biases and multipliers in flash as int8, on the core that takes most; without code."""
    graph = from_keras(model)
    return max(flash(graph, features) for features in CORES)


SIZES: Mapping[str, Callable[[Any], int]] = {
    "parameters": lambda model: int(model.count_params()),
    "macs": lambda model: program_of(from_keras(model), ()).macs,
    "flash": constants,
}
"""What a target of the recipe is compared with."""


@dataclass(frozen=True, eq=False)
class Pruned:
    """A network that lost channels.

    Attributes:
        model: The smaller network.
        channels: By the layer that makes them: before and after.
    """

    model: Any
    channels: Mapping[str, tuple[int, int]]


def prune_channels(model: Any, section: Prune) -> Pruned:
    """`model` without its least important channels.

    Args:
        model: Trained functional or sequential Keras 3 model of one input.
        section: How much, and by which measure.

    Raises:
        UnsupportedModel: no channels can go, or a target of MACs or flash meets a layer that no sketch has.
        OverBudget: the target cannot be reached.
    """
    keras = _functional(model)
    grouping = channel_groups(keras)
    if not grouping.groups:
        raise UnsupportedModel(
            f"pruning finds no channels that {model.name} can do without",
            f"it removes what these layers make and known layers read: {', '.join(MAKERS)}",
        )
    scores = importance(keras, grouping, section.importance)
    order = RANKINGS[section.ranking](scores)
    count = _count(keras, grouping, scores, order, section)
    kept = _kept(scores, order[:count], section)
    channels = {group.name: (group.tiny, len(stay)) for group, stay in zip(grouping.groups, kept, strict=True)}
    return Pruned(shrunk(keras, grouping, kept), channels)


Channel = tuple[int, int]
"""Group and position."""


def by_layer(scores: Sequence[NDArray[np.float64]]) -> list[Channel]:
    """All channels in the order in which they go: every layer loses the same share."""
    ranked = []
    for group, one in enumerate(scores):
        for rank, position in enumerate(np.argsort(one, kind="stable")):
            ranked.append(((rank + 1) / len(one), group, int(position)))
    return [(group, position) for _, group, position in sorted(ranked)]


def by_all(scores: Sequence[NDArray[np.float64]]) -> list[Channel]:
    """All channels in the order in which they go: the least important of the whole network first."""
    ranked = [(score, group, position) for group, one in enumerate(scores) for position, score in enumerate(one)]
    return [(group, position) for _, group, position in sorted(ranked)]


RANKINGS: Mapping[str, Callable[[Sequence[NDArray[np.float64]]], list[Channel]]] = {"layer": by_layer, "global": by_all}
"""By the recipe's name."""


def _count(model: Any, grouping: Grouping, scores: Sequence[NDArray[np.float64]], order: Sequence[Channel], section: Prune) -> int:
    """How many channels of `order` go: the fraction, or the fewest that reach the target."""
    if section.share is not None:
        return round(section.share * len(order))
    ((name, limit),) = _target(section).items()

    def size(count: int) -> int:
        return SIZES[name](shrunk(model, grouping, _kept(scores, order[:count], section)))

    if (smallest := size(len(order))) > limit:
        raise OverBudget(
            f"pruning reaches {smallest:,} {UNITS[name]} at the least, not {limit:,}, with {section.least} channels left in every layer",
            f"raise prune.{name}, lower prune.least or prune.multiple, or begin with a smaller student",
        )
    low, high = 0, len(order)  # size(high) fits
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if size(middle) <= limit else (middle + 1, high)
    return high


UNITS = {"parameters": "parameters", "macs": "multiply-accumulates", "flash": "bytes of constants"}


def _target(section: Prune) -> dict[str, int]:
    if section.parameters is not None:
        return {"parameters": section.parameters}
    if section.macs is not None:
        return {"macs": section.macs}
    assert section.flash is not None
    return {"flash": parse_size(section.flash)}


def _kept(scores: Sequence[NDArray[np.float64]], gone: Sequence[Channel], section: Prune) -> list[Positions]:
    """The channels that stay: as many as are left, at least `least`, rounded up to a multiple; the most important ones."""
    lost = np.bincount([group for group, _ in gone], minlength=len(scores)) if gone else np.zeros(len(scores), int)
    kept = []
    for one, less in zip(scores, lost, strict=True):
        left = max(len(one) - int(less), min(section.least, len(one)))
        left = min(-(-left // section.multiple) * section.multiple, len(one))
        kept.append(np.sort(np.argsort(-one, kind="stable")[:left]).astype(np.int64))
    return kept


def _functional(model: Any) -> Any:
    """A sequential model as a functional one; the layers are shared."""
    from tinykd.distill.keras_modules import keras

    if type(model).__name__ != "Sequential":
        return model
    return keras().Model(model.inputs[0], model.outputs[0], name=model.name)
