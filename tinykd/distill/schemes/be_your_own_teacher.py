"""Self-distillation by exits: Zhang et al. 2019, "Be Your Own Teacher"."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tinykd.distill.batch_norm import reestimate_batch_norm
from tinykd.distill.joint import Joint
from tinykd.distill.keras_files import save_keras
from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.lessons import LabelLessons
from tinykd.distill.objective import Objective, Outputs, label_loss
from tinykd.distill.schemes.deployment import deployed
from tinykd.distill.schemes.ensemble import mean_logits, numbered
from tinykd.distill.schemes.scheme import Scheme
from tinykd.distill.schemes.stem import cuts
from tinykd.distill.schemes.terms import divergence, softened
from tinykd.distill.seeds import seed_everything
from tinykd.distill.stages import Values, dump
from tinykd.distill.tap import LOGITS
from tinykd.errors import RecipeError

DEEPEST = "deepest"
"""Name of the deepest section's features among the outputs."""

#: Exits where the recipe says auto.
EXITS = 3


@dataclass(frozen=True)
class ExitsObjective(Objective):
    """`CE(s_C, y) + sum_i (1 - alpha) CE(s_i, y) + alpha T^2 KL(p_C || p_i) + hint_weight mean (r(F_i) - F_C)^2`.

    No gradient reaches `p_C` and `F_C` from the exits.

    Attributes:
        exits: The student's outputs are `logits` and `deepest` of section C, `exit0`, ..., and `feature0`, ... of the exits.
        alpha, temperature, hint_weight: As in the formula.
    """

    exits: int = EXITS
    alpha: float = 0.3
    temperature: float = 3.0
    hint_weight: float = 0.03

    def __call__(self, teacher: Outputs, student: Outputs, context: Mapping[str, Any]) -> Any:  # noqa: ARG002
        """See `Objective`."""
        ops = _keras().ops
        labels = context["labels"]
        total = label_loss(labels, student[LOGITS], self.label_smoothing)
        target, features = softened(student[LOGITS], self.temperature), ops.stop_gradient(student[DEEPEST])
        for number in range(self.exits):
            own = student[f"exit{number}"]
            total += (1.0 - self.alpha) * label_loss(labels, own, self.label_smoothing)
            total += self.alpha * divergence(target, own, self.temperature)
            total += self.hint_weight * ops.mean(ops.square(student[f"feature{number}"] - features))
        return total


class BeYourOwnTeacher(Scheme):
    """Stage `teacher` trains the student with its exits and leaves the ensemble of all; stage `student` is the student alone."""

    def teacher(self) -> Values:
        """`exits/whole.keras`, the student; `exits/LAYER.keras`, each exit as a network; and their ensemble `teacher.keras`."""
        section, training = self.section, self.recipe.distill.train
        key = self.stages.key(
            "teacher", scheme=dump(section), student=dump(self.recipe.student), train=dump(training), views=self.recipe.distill.views
        )

        def compute() -> Values:
            keras = _keras()
            model = self.stages.built("student", self.recipe.student)
            layers = chosen_exits(model, section.exits)
            seed_everything(self.recipe.seed, "helpers")
            joint = with_exits(model, layers)
            objective = ExitsObjective(
                1.0, training.label_smoothing, (), None, len(layers), section.alpha, section.temperature, section.hint_weight
            )
            history = self.stages.fitted("teacher", key, joint, training, objective, LabelLessons(self.teaching.views()))
            reestimate_batch_norm(joint.model, self.data.train.x)
            save_keras(model, self.run.path("exits/whole.keras"))
            outputs = joint.model.output
            for number, layer in enumerate(layers):
                save_keras(keras.Model(model.input, outputs[f"exit{number}"], name=f"exit{number}"), self.run.path(f"exits/{layer}.keras"))
            logits = [*(outputs[f"exit{number}"] for number in range(len(layers))), model.output]
            return self.stages.kept("teacher", numbered(keras.Model(model.input, mean_logits(logits), name="ensemble")), history)

        return self.stages.once("teacher", key, ("teacher.keras", "predictions/teacher.npz", "exits/whole.keras"), compute)

    def student(self) -> Values:
        """The deepest exit."""
        return deployed(self, ("exits/whole.keras",))


def chosen_exits(model: Any, named: Sequence[str] | str) -> list[str]:
    """Layers after which an exit stands: those named, or at most `EXITS`, evenly spaced before the last of `cuts`.

    Raises:
        RecipeError: there is none.
    """
    places = cuts(model)[:-1]
    if not places:
        raise RecipeError(f"{model.name} has no place for an exit before its last hidden activation", "give the student more layers")
    if named == "auto":
        count = min(EXITS, len(places))
        return [places[math.ceil(len(places) * (number + 1) / count) - 1] for number in range(count)]
    for layer in named:
        if layer not in places:
            raise RecipeError(f"{model.name} cannot have an exit after {layer}", f"it can after {', '.join(places)}")
    return list(named)


def with_exits(model: Any, layers: Sequence[str]) -> Joint:
    """The student with an exit after each of `layers`: a bottleneck to the deepest features' shape, and a classifier."""
    keras = _keras()
    deepest = model.get_layer(cuts(model)[-1]).output
    outputs = {LOGITS: model.output, DEEPEST: deepest}
    for number, layer in enumerate(layers):
        features = bottleneck(model.get_layer(layer).output, deepest, f"exit{number}")
        pooled = keras.layers.GlobalAveragePooling2D(name=f"exit{number}_pool")(features) if len(features.shape) == 4 else features
        outputs[f"feature{number}"] = features
        outputs[f"exit{number}"] = keras.layers.Dense(model.output.shape[-1], name=f"exit{number}_logits")(pooled)
    return Joint(keras.Model(model.input, outputs, name="exits"))


def bottleneck(features: Any, deepest: Any, name: str) -> Any:
    """Symbolic features in the deepest's shape: pooled to its size, then a 1x1 convolution (or dense layer), batch norm, ReLU.

    Raises:
        RecipeError: no stride leads from one size to the other.
    """
    layers = _keras().layers
    width = deepest.shape[-1]
    if len(deepest.shape) == 4:
        strides = tuple(math.ceil(mine / theirs) for mine, theirs in zip(features.shape[1:3], deepest.shape[1:3]))
        pooled = layers.AveragePooling2D(strides, padding="same", name=f"{name}_shrink")(features)
        widened = layers.Conv2D(width, 1, use_bias=False, name=f"{name}_widen")(pooled)
    else:
        widened = layers.Dense(width, use_bias=False, name=f"{name}_widen")(features)
    if widened.shape[1:] != deepest.shape[1:]:
        raise RecipeError(
            f"features {list(features.shape[1:])} cannot be pooled to the deepest ones' {list(deepest.shape[1:])}", "name other exits"
        )
    return layers.ReLU(name=f"{name}_relu")(layers.BatchNormalization(name=f"{name}_norm")(widened))
