"""Deep mutual learning: Zhang, Xiang, Hospedales and Lu 2018, "Deep Mutual Learning"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tinykd.distill.batch_norm import reestimate_batch_norm
from tinykd.distill.joint import Joint
from tinykd.distill.keras_files import save_keras
from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.lessons import LabelLessons
from tinykd.distill.objective import Objective, Outputs
from tinykd.distill.schemes.deployment import deployed
from tinykd.distill.schemes.ensemble import ensemble, mean_logits, numbered
from tinykd.distill.schemes.scheme import Scheme
from tinykd.distill.schemes.terms import divergence, label_losses, softened
from tinykd.distill.stages import Values, dump
from tinykd.distill.tap import LOGITS
from tinykd.recipe.net import Net


@dataclass(frozen=True)
class MutualObjective(Objective):
    """`sum_i [CE(s_i, y) + weight / (K - 1) sum over j != i of T^2 KL(p_j || p_i)]`; no gradient reaches `p_j`.

    Attributes:
        peers: K; the student's outputs are `peer0`, `peer1`, ...
        weight: Of the divergences.
        temperature: T.
    """

    peers: int = 2
    weight: float = 1.0
    temperature: float = 1.0

    def __call__(self, teacher: Outputs, student: Outputs, context: Mapping[str, Any]) -> Any:  # noqa: ARG002
        """See `Objective`."""
        logits = [student[f"peer{number}"] for number in range(self.peers)]
        targets = [softened(each, self.temperature) for each in logits]
        total = label_losses(context["labels"], logits, self.label_smoothing)
        for one, own in enumerate(logits):
            others = [divergence(target, own, self.temperature) for other, target in enumerate(targets) if other != one]
            total += self.weight / (self.peers - 1) * sum(others)
        return total


class Mutual(Scheme):
    """Stage `teacher` trains all peers together and leaves their ensemble; stage `student` picks the best peer.

    The paper's peers take turns in a batch, each seeing the others' new predictions; here all take one step at once.
    """

    def teacher(self) -> Values:
        """`peers/NUMBER.keras`, and their ensemble `teacher.keras`."""
        section, training = self.section, self.recipe.distill.train
        key = self.stages.key(
            "teacher", scheme=dump(section), student=dump(self.recipe.student), train=dump(training), views=self.recipe.distill.views
        )

        def compute() -> Values:
            peers = [self.stages.built(f"peer {number}" if number else "student", net) for number, net in enumerate(self.nets)]
            objective = MutualObjective(1.0, training.label_smoothing, (), None, len(peers), section.weight, section.temperature)
            history = self.stages.fitted("teacher", key, joined(peers), training, objective, LabelLessons(self.teaching.views()))
            for name, peer in zip(self.files, peers, strict=True):
                reestimate_batch_norm(peer, self.data.train.x)
                save_keras(peer, self.run.path(name))
            return self.stages.kept("teacher", ensemble(peers), history)

        return self.stages.once("teacher", key, ("teacher.keras", "predictions/teacher.npz", *self.files), compute)

    def student(self) -> Values:
        """The best peer of the student's architecture."""
        return deployed(self, [name for name, net in zip(self.files, self.nets, strict=True) if net == self.recipe.student])

    @property
    def nets(self) -> tuple[Net, ...]:
        """Of all peers; the student's first."""
        own = self.recipe.student
        return (own, *self.section.nets) if self.section.nets else (own,) * self.section.peers

    @property
    def files(self) -> tuple[str, ...]:
        """Of all peers."""
        return tuple(f"peers/{number}.keras" for number in range(len(self.nets)))


def joined(peers: Sequence[Any]) -> Joint:
    """Peers side by side on the same inputs; the ensemble's accuracy chooses the best epoch."""
    keras = _keras()
    inputs = keras.Input(tuple(peers[0].input_shape[1:]), name="input")
    outputs = {}
    for number, peer in enumerate(peers):
        peer.name = f"member{number}"
        outputs[f"peer{number}"] = peer(inputs)
    return Joint(numbered(keras.Model(inputs, {LOGITS: mean_logits(list(outputs.values())), **outputs})))
