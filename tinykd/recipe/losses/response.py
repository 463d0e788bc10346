"""Response losses: logits against logits."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from tinykd.recipe.losses.loss import LossSection
from tinykd.recipe.section import NonNegative, Positive


class Kd(LossSection):
    """Knowledge distillation: the teacher's softened probabilities as targets.

    The factor T^2 keeps the gradient's size independent of T. Both sides go through log-softmax: no logit gives a NaN.

    Formula: T^2 KL(softmax(t/T) || softmax(s/T)); in all (1 - weight) CE + weight KD
    Paper: Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network", section 2
    """

    shares_labels: ClassVar[bool] = True

    name: Literal["kd"] = Field(default="kd", description="kind of knowledge")
    weight: NonNegative = Field(default=0.9, description="alpha; labels get 1 - alpha")
    temperature: Positive = Field(default=4.0, description="T")
