"""Which channel dimensions of a network are one and the same.

A layer with a kernel makes a dimension; batch normalization, depthwise convolution and activations pass theirs on; a sum makes its
inputs' dimensions one. What a group's channels are widened by, every layer that it runs through is widened by. The network's inputs,
its logits, and every dimension that meets a layer not known here stay as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tinykd.distill.disjoint_sets import DisjointSets
from tinykd.errors import UnsupportedModel
from tinykd.recipe.netaug import NetAug

Kind = Literal["width", "expand"]

#: Layers that make a channel dimension of their own.
MAKERS = ("Conv1D", "Conv2D", "Dense")
#: Layers with one set of weights a channel.
CHANNELWISE = ("DepthwiseConv1D", "DepthwiseConv2D", "BatchNormalization")
#: Layers without weights that treat all channels alike.
PASSING = (
    "Activation", "ReLU", "LeakyReLU", "ELU", "Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianNoise", "Identity",
    "AveragePooling1D", "AveragePooling2D", "MaxPooling1D", "MaxPooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D",
    "GlobalMaxPooling1D", "GlobalMaxPooling2D", "ZeroPadding1D", "ZeroPadding2D", "Cropping1D", "Cropping2D", "UpSampling1D",
    "UpSampling2D",
)  # fmt: skip
#: Layers whose inputs must have the same channels.
JOINING = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")
#: Functions that a layer may end with: of each value by itself.
ELEMENTWISE = (
    "linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "swish", "sigmoid", "tanh", "softplus", "softsign",
    "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "mish",
)  # fmt: skip


@dataclass(frozen=True)
class Group:
    """Channels that are widened together.

    Attributes:
        name: Of the first layer that makes them.
        widths: Numbers of channels that may be drawn, the tiny network's first, the widest last.
        kind: `width`, or `expand` inside a block.
    """

    name: str
    widths: tuple[int, ...]
    kind: Kind

    @property
    def tiny(self) -> int:
        """Channels of the tiny network."""
        return self.widths[0]

    @property
    def widest(self) -> int:
        """Channels that there are weights for."""
        return self.widths[-1]


@dataclass(frozen=True)
class Layout:
    """The channels of a tensor, in order: `repeats` times (a flattened map has one for each position) these parts.

    Attributes:
        parts: Numbers of groups; or, for channels that stay as they are, minus their count.
        repeats: Positions.
    """

    parts: tuple[int, ...]
    repeats: int = 1


@dataclass(frozen=True)
class Grouping:
    """Of one network.

    Attributes:
        groups: What can be widened.
        entering: Layouts of each layer's input, by the layer's name; layers with one input only.
        leaving: Layouts of each layer's output.
        kept: Layers that only know their own number of channels.
    """

    groups: tuple[Group, ...]
    entering: Mapping[str, Layout]
    leaving: Mapping[str, Layout]
    kept: tuple[str, ...]


class _Dimensions(DisjointSets):
    """Channel dimensions while they are being found: sets of equal ones."""

    def __init__(self) -> None:
        super().__init__()
        self.channels: list[int] = []
        self.makers: list[list[str]] = []
        self.fixed: set[int] = set()

    def of(self, channels: int, maker: str) -> int:
        self.channels.append(channels)
        self.makers.append([maker])
        return self.new()

    def unite(self, one: int, other: int) -> None:
        if joined := self.join(*sorted((self.root(one), self.root(other)))):
            kept, gone = joined
            self.makers[kept] += self.makers[gone]
            if gone in self.fixed:
                self.fixed.add(kept)

    def fix(self, layout: Layout) -> None:
        self.fixed.update(self.root(part) for part in layout.parts)

    def sizes(self, layout: Layout) -> tuple[int, ...]:
        return tuple(self.channels[part] for part in layout.parts)


def find_groups(model: Any, section: NetAug) -> Grouping:
    """`channel_groups` with the widths that augmentation draws; `UnsupportedModel` if that is nothing."""
    grouping = channel_groups(model, {"width": section.width, "expand": section.expand})
    if all(group.widest == group.tiny for group in grouping.groups):
        kinds = [f"{name} ({type(model.get_layer(name)).__name__})" for name in grouping.kept[:5]]
        raise UnsupportedModel(
            f"network augmentation finds nothing to widen in {model.name}" + (f", which has {', '.join(kinds)}" if kinds else ""),
            f"it widens what these layers make: {', '.join(MAKERS)}; look at distill.netaug.width and expand too",
        )
    return grouping


def channel_groups(model: Any, factors: Mapping[Kind, Sequence[float]] | None = None) -> Grouping:
    """The groups of a functional Keras 3 model.

    Args:
        model: Inputs -> logits `[batch, classes]`.
        factors: Of widths, by kind; none for the model's own widths alone.

    Raises:
        UnsupportedModel: a layer is used twice.
    """
    dimensions = _Dimensions()
    tensors: dict[int, Layout] = {}
    inputs: dict[str, tuple[int, ...]] = {}
    layouts: dict[str, Layout] = {}
    entering: dict[str, Layout] = {}
    kept: list[str] = []
    for layer in model.operations:
        first = type(layer).__name__ == "InputLayer"
        ours = [] if first else _known(layer.name, _listed(layer.input), tensors)
        known = [tensors[id(tensor)] for tensor in ours]
        inputs[layer.name] = tuple(id(tensor) for tensor in ours)
        made = _passed_on(dimensions, layer, known)
        if made is None and not first:
            kept.append(layer.name)
            for layout in known:
                dimensions.fix(layout)
        for tensor in _listed(layer.output):
            layout = made or Layout((dimensions.of(int(tensor.shape[-1] or 1), layer.name),))
            if made is None:
                dimensions.fix(layout)
            tensors[id(tensor)] = layout
        layouts[layer.name] = tensors[id(_listed(layer.output)[0])]
        if len(known) == 1:
            entering[layer.name] = known[0]
    for tensor in _known("the output", _listed(model.outputs), tensors):
        dimensions.fix(tensors[id(tensor)])
    roots = [one for one in range(len(dimensions)) if dimensions.root(one) == one and one not in dimensions.fixed]
    expanding = _Blocks(model, dimensions, inputs, layouts, entering)
    groups = tuple(_group(dimensions, root, "expand" if expanding.inside(root) else "width", factors or {}) for root in roots)
    number = {root: place for place, root in enumerate(roots)}

    def final(layout: Layout) -> Layout:
        parts = tuple(number.get(dimensions.root(part), -dimensions.channels[part]) for part in layout.parts)
        return Layout(parts, layout.repeats)

    return Grouping(
        groups,
        {name: final(layout) for name, layout in entering.items()},
        {name: final(layout) for name, layout in layouts.items()},
        tuple(kept),
    )


def _group(dimensions: _Dimensions, root: int, kind: Kind, factors: Mapping[Kind, Sequence[float]]) -> Group:
    channels = dimensions.channels[root]
    drawn = {max(channels, round(channels * factor)) for factor in (1.0, *factors.get(kind, ()))}
    return Group(dimensions.makers[root][0], tuple(sorted(drawn)), kind)


def _passed_on(dimensions: _Dimensions, layer: Any, known: Sequence[Layout]) -> Layout | None:
    """The layout that a layer gives, or None if its channels, and those that enter it, must stay as they are."""
    kind = type(layer).__name__
    rule = RULES.get(kind) if type(layer).__module__.startswith("keras.") else None
    if rule is None or not known or getattr(layer, "data_format", None) == "channels_first":
        return None
    return rule(dimensions, layer, known)


def _elementwise(layer: Any) -> bool:
    activation = getattr(layer, "activation", None)
    return activation is None or getattr(activation, "__name__", type(activation).__name__) in ELEMENTWISE


def _made(dimensions: _Dimensions, layer: Any, _: Sequence[Layout]) -> Layout | None:
    if getattr(layer, "groups", 1) != 1:
        return None
    layout = Layout((dimensions.of(int(layer.output.shape[-1]), layer.name),))
    if not _elementwise(layer):
        dimensions.fix(layout)
    return layout


def _same(_: _Dimensions, layer: Any, known: Sequence[Layout]) -> Layout | None:
    if getattr(layer, "depth_multiplier", 1) != 1 or not _elementwise(layer):
        return None
    if type(layer).__name__ == "BatchNormalization" and layer.axis not in (-1, len(layer.output.shape) - 1):
        return None
    return known[0]


def _joined(dimensions: _Dimensions, _: Any, known: Sequence[Layout]) -> Layout | None:
    first = known[0]
    if len(known) < 2 or any(dimensions.sizes(one) != dimensions.sizes(first) or one.repeats != first.repeats for one in known):
        return None
    for other in known[1:]:
        for mine, theirs in zip(first.parts, other.parts, strict=True):
            dimensions.unite(mine, theirs)
    return first


def _concatenated(_: _Dimensions, layer: Any, known: Sequence[Layout]) -> Layout | None:
    if layer.axis not in (-1, len(layer.output.shape) - 1) or any(layout.repeats != 1 for layout in known):
        return None
    return Layout(tuple(part for layout in known for part in layout.parts))


def _flattened(_: _Dimensions, layer: Any, known: Sequence[Layout]) -> Layout | None:
    shape = layer.input.shape[1:]
    if len(layer.output.shape) != 2 or None in shape:
        return None
    return Layout(known[0].parts, known[0].repeats * math.prod(shape[:-1]))


RULES: dict[str, Callable[[_Dimensions, Any, Sequence[Layout]], Layout | None]] = {
    **dict.fromkeys(MAKERS, _made),
    **dict.fromkeys((*CHANNELWISE, *PASSING), _same),
    **dict.fromkeys(JOINING, _joined),
    "Concatenate": _concatenated,
    "Flatten": _flattened,
    "Reshape": _flattened,
}


@dataclass(frozen=True)
class _Blocks:
    """Tells which groups are inside a block: something leads around them, or they are wider than what is before and behind them."""

    model: Any
    dimensions: _Dimensions
    inputs: Mapping[str, tuple[int, ...]]
    layouts: Mapping[str, Layout]
    entering: Mapping[str, Layout]

    def inside(self, root: int) -> bool:
        """Whether the group of this dimension is."""
        return self._bypassed(root) or self._bulges(root)

    def _bypassed(self, root: int) -> bool:
        """Without the layers that make it, something of the input still reaches the output."""
        makers = self.dimensions.makers[root]
        reached: set[int] = set()
        for layer in self.model.operations:
            first = type(layer).__name__ == "InputLayer"
            if first or (layer.name not in makers and any(tensor in reached for tensor in self.inputs[layer.name])):
                reached.update(id(tensor) for tensor in _listed(layer.output))
        return any(id(tensor) in reached for tensor in _listed(self.model.outputs))

    def _bulges(self, root: int) -> bool:
        makers = [layer for layer in self.model.operations if type(layer).__name__ in MAKERS and layer.name in self.entering]
        before = [
            one for layer in makers if self._root(self.layouts[layer.name]) == {root} for one in self._root(self.entering[layer.name])
        ]
        behind = [one for layer in makers if root in self._root(self.entering[layer.name]) for one in self._root(self.layouts[layer.name])]
        if not before or not behind or any(one in self.dimensions.fixed for one in (*before, *behind)):
            return False
        channels = self.dimensions.channels
        return all(channels[root] > channels[one] for one in (*before, *behind))

    def _root(self, layout: Layout) -> set[int]:
        return {self.dimensions.root(part) for part in layout.parts}


def _known(reader: str, read: Sequence[Any], tensors: Mapping[int, Layout]) -> Sequence[Any]:
    """What a layer reads. Keras tells the tensors of a layer's first use only."""
    if any(id(tensor) not in tensors for tensor in read):
        raise UnsupportedModel(
            f"{reader} reads what a layer gives that is used several times, whose channels cannot be told apart",
            "use a layer of its own for each place",
        )
    return read


def _listed(tensors: Any) -> list[Any]:
    if isinstance(tensors, Mapping):
        return list(tensors.values())
    return list(tensors) if isinstance(tensors, Iterable) and not hasattr(tensors, "shape") else [tensors]
