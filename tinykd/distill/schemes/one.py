"""On-the-fly native ensemble: Lan, Zhu and Gong 2018, "Knowledge Distillation by On-the-Fly Native Ensemble"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tinykd.distill.joint import Joint
from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.objective import Objective, Outputs, label_loss
from tinykd.distill.schemes.branched import Branched, Branches
from tinykd.distill.schemes.ensemble import numbered
from tinykd.distill.schemes.terms import NO_RAMP, divergence, label_losses, ramp, softened
from tinykd.distill.tap import LOGITS


@dataclass(frozen=True)
class OneObjective(Objective):
    """`sum_i CE(s_i, y) + CE(s_e, y) + w(epoch) T^2 sum_i KL(p_e || p_i)`; no gradient reaches `p_e` from the divergences.

    Attributes:
        branches: The student's outputs are `branch0`, `branch1`, ..., and `logits` of the gated ensemble.
        temperature: T.
        strength: w.
    """

    branches: int = 3
    temperature: float = 3.0
    strength: Callable[[Any], Any] = NO_RAMP

    def __call__(self, teacher: Outputs, student: Outputs, context: Mapping[str, Any]) -> Any:  # noqa: ARG002
        """See `Objective`."""
        logits = [student[f"branch{number}"] for number in range(self.branches)]
        target = softened(student[LOGITS], self.temperature)
        taught = sum(divergence(target, own, self.temperature) for own in logits)
        labels = context["labels"]
        labelled = label_losses(labels, logits, self.label_smoothing) + label_loss(labels, student[LOGITS], self.label_smoothing)
        return labelled + self.strength(context["epoch"]) * taught


class One(Branched):
    """Stage `teacher` trains branches and gate and leaves the gated ensemble; stage `student` picks the best branch."""

    @property
    def count(self) -> int:
        """Of branches."""
        return int(self.section.branches)

    def joint(self, branches: Branches) -> Joint:
        """Branches, and as `logits` their sum weighted by the gate."""
        keras = _keras()
        weights = keras.ops.expand_dims(gate(branches.stem, self.count), -1)
        stacked = keras.ops.stack(branches.logits, axis=1)
        gated = keras.ops.sum(weights * stacked, axis=1)
        named = {f"branch{number}": each for number, each in enumerate(branches.logits)}
        return Joint(numbered(keras.Model(branches.inputs, {LOGITS: gated, **named}, name="one")))

    def objective(self) -> Objective:
        """See `OneObjective`."""
        training = self.recipe.distill.train
        return OneObjective(
            1.0, training.label_smoothing, (), None, self.count, self.section.temperature, ramp(self.section.ramp, training.epochs)
        )

    @property
    def candidates(self) -> tuple[str, ...]:
        """Every branch."""
        return self.files


def gate(stem: Any, branches: int) -> Any:
    """`softmax(ReLU(BN(FC(stem))))`, `[batch, branches]`, of symbolic features; maps are averaged over space first."""
    layers = _keras().layers
    pooled = layers.GlobalAveragePooling2D(name="gate_pool")(stem) if len(stem.shape) == 4 else stem
    score = layers.BatchNormalization(name="gate_norm")(layers.Dense(branches, name="gate_dense")(pooled))
    return layers.Softmax(name="gate")(layers.ReLU(name="gate_relu")(score))
