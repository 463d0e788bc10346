"""Cutting weights: which channels of a wide tensor a configuration uses, and which of them are the tiny network's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.distill.keras_modules import tensorflow
from tinykd.distill.netaug.groups import Group, Layout


@dataclass
class Configuration:
    """What the layers of a supernet compute with at the moment.

    Attributes:
        groups: Of the supernet.
        channels: Of each group: numbers, or integer tensors while a step that takes any configuration is being traced.
        tiny: Whether this is the tiny network, whose pass alone moves batch-norm statistics.
    """

    groups: Sequence[Group]
    channels: Sequence[Any] = field(default_factory=list)
    tiny: bool = False

    def widest(self) -> list[int]:
        """Of every group."""
        return [group.widest for group in self.groups]

    def tiniest(self) -> list[int]:
        """Of every group."""
        return [group.tiny for group in self.groups]


def segments(groups: Sequence[Group], layout: Layout) -> list[tuple[int | None, int, int]]:
    """(group or None, first channel, channels) of each part of one repeat of the wide tensor."""
    found, start = [], 0
    for part in layout.parts:
        count = groups[part].widest if part >= 0 else -part
        found.append((part if part >= 0 else None, start, count))
        start += count
    return found


def leading(tensor: Any, axis: int, layout: Layout, configuration: Configuration) -> Any:
    """The leading channels of each part of a wide tensor along `axis`."""
    parts = segments(configuration.groups, layout)
    if all(group is None or _equal(configuration.channels[group], count) for group, _, count in parts):
        return tensor
    tf = tensorflow()
    axis %= len(tensor.shape)
    shape = list(tensor.shape)
    before, after = [slice(None)] * axis, [slice(None)] * (len(shape) - axis - 1)
    if layout.repeats > 1:  # then the other axes are still whole
        tensor = tf.reshape(tensor, [*shape[:axis], layout.repeats, shape[axis] // layout.repeats, *shape[axis + 1 :]])
        before.append(slice(None))
    pieces = []
    for group, start, count in parts:
        used = count if group is None else configuration.channels[group]
        index = (*before, slice(start, start + used), *after)
        pieces.append(tensor[index])
    result = pieces[0] if len(pieces) == 1 else tf.concat(pieces, axis=len(before))
    return result if layout.repeats == 1 else tf.reshape(result, [*shape[:axis], -1, *shape[axis + 1 :]])


def _equal(channels: Any, count: int) -> bool:
    """Whether they are known, and these."""
    return isinstance(channels, int) and channels == count


def tiny_positions(groups: Sequence[Group], layout: Layout) -> NDArray[np.int64]:
    """Where the tiny network's channels are among the wide tensor's."""
    return positions(groups, layout, [np.arange(group.tiny) for group in groups])


def positions(groups: Sequence[Group], layout: Layout, kept: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Where those channels that each group keeps are in a tensor of this layout."""
    parts = segments(groups, layout)
    one = np.concatenate([start + (np.arange(count) if group is None else kept[group]) for group, start, count in parts])
    width = sum(count for _, _, count in parts)
    return np.asarray((np.arange(layout.repeats)[:, None] * width + one).ravel(), np.int64)


@dataclass(frozen=True)
class WideVariable:
    """A weight of the supernet.

    Attributes:
        variable: Keras variable.
        axes: Layout of each axis that runs over channels.
    """

    variable: Any
    axes: Mapping[int, Layout]

    def tiny(self, groups: Sequence[Group]) -> tuple[NDArray[Any], ...]:
        """Index of the tiny network's part: `values[tiny]`."""
        return np.ix_(*(tiny_positions(groups, self.axes[axis]) if axis in self.axes else np.arange(size) for axis, size in self._sizes()))

    def reordered(self, groups: Sequence[Group], orders: Mapping[int, NDArray[np.int64]]) -> tuple[NDArray[Any], ...]:
        """Index that puts the channels of groups into new orders (of old positions): `values[reordered]`."""
        index = []
        for axis, size in self._sizes():
            places = np.arange(size)
            if axis in self.axes:
                one = places[: size // self.axes[axis].repeats].copy()
                for group, start, count in segments(groups, self.axes[axis]):
                    if group is not None and group in orders:
                        one[start : start + count] = start + orders[group]
                places = (np.arange(self.axes[axis].repeats)[:, None] * len(one) + one).ravel()
            index.append(places)
        return np.ix_(*index)

    def _sizes(self) -> list[tuple[int, int]]:
        """Axes, counted from the end, with their sizes."""
        rank = len(self.variable.shape)
        return [(axis - rank, int(size)) for axis, size in enumerate(self.variable.shape)]
