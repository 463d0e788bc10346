"""Which configuration each step draws: a pure function of seed and step, so that a resumed training draws the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinykd.distill.netaug.groups import Group
from tinykd.distill.views import generator
from tinykd.recipe.netaug import NetAug


@dataclass(frozen=True)
class Draws:
    """Of one training.

    Attributes:
        groups: Of the supernet.
        section: How often, and how long.
        seed: Of the run.
        epochs: Of the training.
    """

    groups: Sequence[Group]
    section: NetAug
    seed: int
    epochs: int

    def widens(self, epoch: int) -> bool:
        """Whether width augmentation is on in epoch `epoch`, from 0."""
        return epoch < self.section.width_epochs * self.epochs

    def channels(self, step: int, epoch: int) -> NDArray[np.int32] | None:
        """Channels of each group `[groups]`, drawn independently and uniformly; None for a step without augmentation.

        Args:
            step: From 0, over the whole training.
            epoch: From 0.
        """
        if not self.augments(step, epoch):
            return None
        open_groups = self._open(epoch)
        random = generator(self.seed, "network augmentation", step)
        chosen = random.integers(0, [len(group.widths) for group in self.groups])
        return np.array(
            [group.widths[place if is_open else 0] for group, place, is_open in zip(self.groups, chosen, open_groups, strict=True)],
            np.int32,
        )

    def augments(self, step: int, epoch: int) -> bool:
        """Whether this step, from 0 over the whole training, draws a wider network."""
        return step % self.section.every == 0 and any(self._open(epoch))

    def augmented_steps(self, steps_per_epoch: int) -> int:
        """Of the whole training."""
        return sum(self.augments(epoch * steps_per_epoch + step, epoch) for epoch in range(self.epochs) for step in range(steps_per_epoch))

    def _open(self, epoch: int) -> list[bool]:
        """Of each group, whether more than the tiny network's channels may be drawn."""
        return [len(group.widths) > 1 and (group.kind == "expand" or self.widens(epoch)) for group in self.groups]
