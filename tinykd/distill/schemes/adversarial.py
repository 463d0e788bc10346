"""A discriminator between teacher and student: Xu, Hsu and Huang 2018; Wang et al. 2018 (KDGAN)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.objective import Objective, Outputs
from tinykd.distill.schemes.scheme import Scheme
from tinykd.distill.seeds import seed_everything
from tinykd.distill.tap import LOGITS


class Adversarial(Scheme):
    """Offline, with a discriminator's opinion beside the recipe's losses."""

    def goal(self, objective: Objective, model: Any) -> Objective:
        """See `AdversarialObjective`."""
        seed_everything(self.recipe.seed, "discriminator")
        network = discriminator(int(model.output.shape[-1]), self.section.hidden)
        given = {field.name: getattr(objective, field.name) for field in fields(Objective)}
        return AdversarialObjective(**given, discriminator=network, weight=self.section.weight)


@dataclass(frozen=True)
class AdversarialObjective(Objective):
    """The recipe's losses `+ weight * mean -log D(s)` for the student, `mean -log D(t) - log(1 - D(s))` for the discriminator.

    Both take their step on the same batch: the student's term sees a fixed D, D's own terms a fixed student.

    Attributes:
        discriminator: Logits `[batch, classes]` -> score `[batch, 1]`, D = sigmoid(score).
        weight: Of the student's term.
    """

    discriminator: Any = None
    weight: float = 0.1

    def __call__(self, teacher: Outputs, student: Outputs, context: Mapping[str, Any]) -> Any:
        """See `Objective`."""
        ops = _keras().ops
        theirs, own = ops.stop_gradient(teacher[LOGITS]), student[LOGITS]
        fixed = [ops.stop_gradient(variable.value) for variable in self.discriminator.trainable_variables]
        score, _ = self.discriminator.stateless_call(fixed, [], own)
        fooled = ops.mean(ops.softplus(-score))
        told_apart = ops.mean(ops.softplus(-self.discriminator(theirs))) + ops.mean(
            ops.softplus(self.discriminator(ops.stop_gradient(own)))
        )
        return super().__call__(teacher, student, context) + self.weight * fooled + told_apart

    @property
    def trainable_variables(self) -> list[Any]:
        """Of the losses' helper networks and of the discriminator."""
        return [*super().trainable_variables, *self.discriminator.trainable_variables]

    @property
    def variables(self) -> list[Any]:
        """As `trainable_variables`, and what the losses keep beside."""
        return [*super().variables, *self.discriminator.variables]


def discriminator(classes: int, hidden: int) -> Any:
    """Log-probabilities, a hidden layer, a score: a network's scale of logits says nothing."""
    keras = _keras()
    layers = [keras.layers.Dense(hidden, name="hidden"), keras.layers.LeakyReLU(0.2), keras.layers.Dense(1, name="score")]
    inputs = keras.Input((classes,), name="logits")
    x = keras.ops.log_softmax(inputs, axis=-1)
    for layer in layers:
        x = layer(x)
    return keras.Model(inputs, x, name="discriminator")
