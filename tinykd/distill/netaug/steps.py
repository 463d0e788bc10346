"""The training step with network augmentation: the tiny network's loss plus that of one drawn configuration (Cai 2022, equation 2)."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tinykd.distill.keras_modules import tensorflow
from tinykd.distill.netaug.cut import WideVariable
from tinykd.distill.netaug.draws import Draws
from tinykd.distill.netaug.supernet import Supernet
from tinykd.distill.objective import Objective
from tinykd.distill.trainer import compile_step

StepKind = Literal["plain", "augmented"]


@dataclass
class AugmentedSteps:
    """What the trainer calls for each step and each epoch (`tinykd.distill.trainer.Steps`).

    Attributes:
        supernet: What is trained.
        draws: Which configuration each step draws.
        seconds: Of the steps of this process, by kind, without the first of each, which trace.
    """

    supernet: Supernet
    draws: Draws
    seconds: dict[StepKind, list[float]] = field(default_factory=lambda: defaultdict(list))

    def compiled(self, model: Any, optimizer: Any, objective: Objective) -> Callable[..., Any]:
        """See `Steps`."""
        plain = compile_step(model, optimizer, objective)
        augmented = self._augmented(optimizer, objective)

        def step(x: Any, labels: Any, index: Any, epoch: Any, teacher: Any, rate: Any) -> Any:
            started = time.perf_counter()
            channels = self.draws.channels(int(optimizer.iterations), int(epoch))
            if channels is None:
                loss, kind = plain(x, labels, index, epoch, teacher, rate), "plain"
            else:
                loss, kind = augmented(x, labels, index, epoch, teacher, rate, channels), "augmented"
            self.seconds[kind].append(time.perf_counter() - started)
            return loss

        return step

    def start_epoch(self, number: int, optimizer: Any) -> None:
        """Sort the channels: in each epoch of width augmentation but the first, whose weights have learned nothing yet."""
        if self.draws.section.sort == "l1" and number > 0 and self.draws.widens(number):
            self.supernet.sort(slots(self.supernet, optimizer))

    def _augmented(self, optimizer: Any, objective: Objective) -> Callable[..., Any]:
        response, weight = response_objective(objective), self.draws.section.weight

        def beside(teacher: Any, context: Any, channels: Any) -> Any:
            return weight * response(teacher, self.supernet.drawn(context["inputs"], channels, training=True), context)

        step: Callable[..., Any] = compile_step(self.supernet, optimizer, objective, beside)
        return step


def response_objective(objective: Objective) -> Objective:
    """What a drawn configuration minimises: labels and logits. Features are compared for the tiny network alone, whose widths they have."""
    terms = tuple(term for term in objective.terms if not term.pairs and getattr(term.loss, "compares", "logits") != "models")
    return replace(objective, terms=terms)


def slots(supernet: Supernet, optimizer: Any) -> list[WideVariable]:
    """The optimizer's moments of the supernet's weights, with the axes of what they are of.

    Keras names a slot after its variable: `conv/kernel` has `conv_kernel_momentum`.
    """
    owners = {one.variable.path.replace("/", "_"): one for one in supernet.wide}
    found = []
    for slot in optimizer.variables:
        named = [name for name in owners if slot.name.startswith(f"{name}_") and owners[name].variable.shape == slot.shape]
        if named:
            found.append(WideVariable(slot, owners[max(named, key=len)].axes))
    return found
