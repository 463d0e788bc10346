"""Schemes that train several copies of the student's upper half on one shared stem, without a teacher trained before."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tinykd.distill.batch_norm import reestimate_batch_norm
from tinykd.distill.joint import Joint
from tinykd.distill.keras_files import save_keras
from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.lessons import LabelLessons
from tinykd.distill.objective import Objective
from tinykd.distill.schemes.deployment import deployed
from tinykd.distill.schemes.scheme import Scheme
from tinykd.distill.schemes.stem import cut, embedding, share_stem
from tinykd.distill.seeds import seed_everything
from tinykd.distill.stages import Values, dump
from tinykd.distill.tap import LOGITS


@dataclass(frozen=True)
class Branches:
    """Symbolic tensors of branches on one stem.

    Attributes:
        inputs: Of the network.
        stem: Where it ends.
        embeddings: What each branch's classifier reads, `[batch, width]`.
        logits: Of each branch, `[batch, classes]`.
    """

    inputs: Any
    stem: Any
    embeddings: Sequence[Any]
    logits: Sequence[Any]


def branched(copies: Sequence[Any], layer: str) -> Branches:
    """The first copy's layers up to `layer`, then the rest of every copy."""
    keras = _keras()
    first = copies[0]
    stem = first.get_layer(layer).output
    embeddings, logits = [embedding(first)], [first.output]
    for number, copy in enumerate(copies[1:], start=1):
        start, end = copy.get_layer(layer).output, embedding(copy)
        # The input that Keras puts there takes this name, which counts all tensors of the process otherwise.
        start.name = f"stem{number}"
        # Where the stem leads to the classifier itself, it is what every classifier reads.
        above = keras.Model(start, [copy.output] if end is start else [copy.output, end], name=f"above{number}")
        own_logits, *own_embedding = above(stem)
        embeddings.append(own_embedding[0] if own_embedding else stem)
        logits.append(own_logits)
    return Branches(first.input, stem, embeddings, logits)


class Branched(Scheme):
    """Stage `teacher` trains all branches and leaves their ensemble; stage `student` picks the branch to deploy."""

    @property
    @abstractmethod
    def count(self) -> int:
        """Of branches."""

    @property
    @abstractmethod
    def candidates(self) -> tuple[str, ...]:
        """Which of `files` may be deployed."""

    @abstractmethod
    def joint(self, branches: Branches) -> Joint:
        """What is trained; its `logits` are the ensemble's."""

    @abstractmethod
    def objective(self) -> Objective:
        """What it minimises."""

    def teacher(self) -> Values:
        """`branches/NUMBER.keras`, each a whole network, and their ensemble `teacher.keras`."""
        section, training = self.section, self.recipe.distill.train
        key = self.stages.key(
            "teacher", scheme=dump(section), student=dump(self.recipe.student), train=dump(training), views=self.recipe.distill.views
        )

        def compute() -> Values:
            net = self.recipe.student
            copies = [self.stages.built(f"branch {number}" if number else "student", net) for number in range(self.count)]
            layer = cut(copies[0], section.split)
            seed_everything(self.recipe.seed, "helpers")
            joint = self.joint(branched(copies, layer))
            history = self.stages.fitted("teacher", key, joint, training, self.objective(), LabelLessons(self.teaching.views()))
            reestimate_batch_norm(joint.model, self.data.train.x)
            share_stem(copies, layer)
            for name, copy in zip(self.files, copies, strict=True):
                reestimate_batch_norm(copy, self.data.train.x)
                save_keras(copy, self.run.path(name))
            ensemble = _keras().Model(joint.model.input, joint.model.output[LOGITS], name="ensemble")
            return self.stages.kept("teacher", ensemble, history)

        return self.stages.once("teacher", key, ("teacher.keras", "predictions/teacher.npz", *self.files), compute)

    def student(self) -> Values:
        """The best of `candidates`."""
        return deployed(self, self.candidates)

    @property
    def files(self) -> tuple[str, ...]:
        """Of all branches."""
        return tuple(f"branches/{number}.keras" for number in range(self.count))
