"""The training step with network augmentation: the tiny network's loss plus that of one drawn configuration (Cai 2022, equation 2)."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tinykd.distill.netaug.cut import WideVariable
from tinykd.distill.netaug.draws import Draws
from tinykd.distill.netaug.supernet import Supernet, supernet
from tinykd.distill.objective import Objective
from tinykd.distill.trainer import compile_step
from tinykd.recipe.netaug import NetAug

StepKind = Literal["plain", "augmented"]


@dataclass(frozen=True)
class Cost:
    """What augmentation cost.

    Attributes:
        steps: Of the training.
        augmented_steps: Those that also trained a drawn configuration.
        plain_milliseconds, augmented_milliseconds: Medians; None where there was no such step.
    """

    steps: int
    augmented_steps: int
    plain_milliseconds: float | None
    augmented_milliseconds: float | None


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
                loss = plain(x, labels, index, epoch, teacher, rate)
            else:
                loss = augmented(x, labels, index, epoch, teacher, rate, channels)
            self.seconds["plain" if channels is None else "augmented"].append(time.perf_counter() - started)
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

    def cost(self, steps_per_epoch: int) -> Cost:
        """Of the whole training, with the times of this process."""
        medians = {kind: round(1e3 * statistics.median(seconds[1:]), 3) for kind, seconds in self.seconds.items() if len(seconds) > 1}
        return Cost(
            self.draws.epochs * steps_per_epoch,
            self.draws.augmented_steps(steps_per_epoch),
            medians.get("plain"),
            medians.get("augmented"),
        )


def augmented_steps(student: Any, section: NetAug, layers: Sequence[str], seed: int, epochs: int) -> AugmentedSteps:
    """The supernet around `student`, and how it is trained; arguments as `supernet` and `Draws`."""
    made = supernet(student, section, layers)
    return AugmentedSteps(made, Draws(made.grouping.groups, section, seed, epochs))


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
