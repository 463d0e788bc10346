"""Online distillation with diverse peers: Chen, Mei, Wang, Feng and Chen 2020."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tinykd.distill.joint import Joint
from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.objective import Objective, Outputs
from tinykd.distill.schemes.branched import Branched, Branches
from tinykd.distill.schemes.ensemble import mean_logits, numbered
from tinykd.distill.schemes.terms import NO_RAMP, divergence, label_losses, mean_probabilities, ramp, softened
from tinykd.distill.tap import LOGITS

ATTENTION = "attention"
"""Name of the peers' attention, `[batch, peers, peers]`, rows sum to 1."""


@dataclass(frozen=True)
class OkddipObjective(Objective):
    """`sum_a CE(s_a, y) + CE(s_l, y) + w(epoch) weight T^2 [sum_a KL(t_a || p_a) + KL(mean_a p_a || p_l)]`, `t_a = sum_b A_ab p_b`.

    No gradient reaches the probabilities in the targets; the attention A learns from its divergences.

    Attributes:
        peers: Branches, of which the last, l, leads; the student's outputs are `branch0`, ..., and `attention` of the others.
        temperature: T.
        weight: alpha.
        strength: w.
    """

    peers: int = 4
    temperature: float = 3.0
    weight: float = 1.0
    strength: Callable[[Any], Any] = NO_RAMP

    def __call__(self, teacher: Outputs, student: Outputs, context: Mapping[str, Any]) -> Any:  # noqa: ARG002
        """See `Objective`."""
        *auxiliary, leader = (student[f"branch{number}"] for number in range(self.peers))
        first = sum(
            attended_divergence(student[ATTENTION][:, one, :], auxiliary, own, self.temperature) for one, own in enumerate(auxiliary)
        )
        second = divergence(mean_probabilities(auxiliary, self.temperature), leader, self.temperature)
        labelled = label_losses(context["labels"], [*auxiliary, leader], self.label_smoothing)
        return labelled + self.strength(context["epoch"]) * self.weight * (first + second)


def attended_divergence(attention: Any, peers: list[Any], own: Any, temperature: float) -> Any:
    """`T^2 KL(sum_b A_b p_b || p)`, mean over the batch; gradients reach `own` and the attention, not the peers.

    Args:
        attention: `[batch, peers]`, rows sum to 1.
        peers: Logits `[batch, classes]` each.
        own: Logits `[batch, classes]`.
        temperature: T.
    """
    ops = _keras().ops
    probabilities = ops.stop_gradient(ops.exp(ops.stack([softened(each, temperature) for each in peers], axis=1)))
    target = ops.sum(ops.expand_dims(attention, -1) * probabilities, axis=1)
    # Probabilities may underflow to 0, whose logarithm has no gradient.
    log_target = ops.log(ops.maximum(target, 1e-30))
    return temperature**2 * ops.mean(ops.sum(target * (log_target - softened(own, temperature)), axis=-1))


class Okddip(Branched):
    """Stage `teacher` trains peers and leader and leaves the ensemble of all; stage `student` is the leader."""

    @property
    def count(self) -> int:
        """Of branches, the leader among them."""
        return int(self.section.peers)

    def joint(self, branches: Branches) -> Joint:
        """Branches and the attention of all but the last; the ensemble's accuracy chooses the best epoch."""
        keras = _keras()
        named = {f"branch{number}": each for number, each in enumerate(branches.logits)}
        attention = attend(branches.embeddings[:-1], self.section.reduction)
        outputs = {LOGITS: mean_logits(branches.logits), ATTENTION: attention, **named}
        return Joint(numbered(keras.Model(branches.inputs, outputs, name="okddip")))

    def objective(self) -> Objective:
        """See `OkddipObjective`."""
        section, training = self.section, self.recipe.distill.train
        strength = ramp(section.ramp, training.epochs)
        return OkddipObjective(1.0, training.label_smoothing, (), None, self.count, section.temperature, section.weight, strength)

    @property
    def candidates(self) -> tuple[str, ...]:
        """The leader."""
        return self.files[-1:]


def attend(embeddings: Any, reduction: int) -> Any:
    """`softmax over b of <query(h_a), key(h_b)>`, `[batch, peers, peers]`, of symbolic embeddings `[batch, width]`."""
    keras = _keras()
    narrow = max(1, embeddings[0].shape[-1] // reduction)
    stacked = keras.ops.stack(list(embeddings), axis=1)
    query = keras.layers.Dense(narrow, use_bias=False, name="query")(stacked)
    key = keras.layers.Dense(narrow, use_bias=False, name="key")(stacked)
    return keras.ops.softmax(keras.ops.matmul(query, keras.ops.transpose(key, (0, 2, 1))), axis=-1)
