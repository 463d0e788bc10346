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


class Logits(LossSection):
    """Regression on the teacher's logits.

    Mean over classes. Without temperature: every logit counts alike, also those of classes that nobody expects.

    Formula: mean over classes of (s - t)^2
    Paper: Ba and Caruana 2014, "Do Deep Nets Really Need to be Deep?" (on pseudo-labels: Bucilua et al. 2006)
    """

    name: Literal["logits"] = Field(default="logits", description="kind of knowledge")
    weight: NonNegative = Field(default=1.0, description="beside the labels' cross-entropy")


class SoftTargetCe(LossSection):
    """Cross-entropy with the teacher's softened probabilities as targets.

    Its gradient is that of kd without T^2, and the default weight is T^2 at the default temperature, with which the paper keeps soft
    targets as strong as labels: change both together.

    Formula: -sum over classes of p_t log p_s, p = softmax(z/T)
    Paper: Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network", section 2, first form
    """

    name: Literal["soft_target_ce"] = Field(default="soft_target_ce", description="kind of knowledge")
    weight: NonNegative = Field(default=16.0, description="beside the labels' cross-entropy; T^2 keeps it as strong as they are")
    temperature: Positive = Field(default=4.0, description="T")


class Dkd(LossSection):
    """Decoupled knowledge distillation: the target's probability apart from the other classes among themselves.

    Soft targets are the sum of both with beta = 1 - p_y of the teacher: nothing of the rest is left where the teacher is sure.
    Needs 3 classes.

    Formula: alpha T^2 KL(b_t || b_s) + beta T^2 KL(q_t || q_s), b = [p_y, 1 - p_y], q = p of the other classes / (1 - p_y)
    Paper: Zhao et al. 2022, "Decoupled Knowledge Distillation"
    """

    name: Literal["dkd"] = Field(default="dkd", description="kind of knowledge")
    weight: NonNegative = Field(default=1.0, description="beside the labels' cross-entropy")
    alpha: NonNegative = Field(default=1.0, description="weight of the target against the rest")
    beta: NonNegative = Field(default=8.0, description="weight of the other classes among themselves; the stronger the teacher, the larger")
    temperature: Positive = Field(default=4.0, description="T")
    warmup_epochs: NonNegative = Field(default=20.0, description="in which the weight rises linearly from 0")


class Dist(LossSection):
    """Correlation with the teacher's probabilities, over the classes of a sample and over the samples of a class.

    Correlation forgives offset and scale: easier than equality for a student far weaker than its teacher. Batches of some size.

    Formula: T^2 (beta (1 - mean_i r(p_s[i, :], p_t[i, :])) + gamma (1 - mean_j r(p_s[:, j], p_t[:, j]))), r Pearson's correlation
    Paper: Huang et al. 2022, "Knowledge Distillation from A Stronger Teacher"
    """

    name: Literal["dist"] = Field(default="dist", description="kind of knowledge")
    weight: NonNegative = Field(default=1.0, description="beside the labels' cross-entropy")
    beta: NonNegative = Field(default=1.0, description="weight of the relation between classes")
    gamma: NonNegative = Field(default=1.0, description="weight of the relation within a class")
    temperature: Positive = Field(default=4.0, description="T")


class LogitStd(LossSection):
    """kd, dkd or dist of standardised logits: zero mean and unit deviation over the classes of each sample.

    The student need not reach the teacher's range of logits, only its shape. The loss behind has its own defaults but for T. The
    deviation is that of the authors' code, whose variance is over classes - 1; the paper's formula has classes.

    Formula: loss(n(t), n(s)), n(z) = (z - mean z) / (deviation z + 1e-7)
    Paper: Sun et al. 2024, "Logit Standardization in Knowledge Distillation", algorithm 1
    """

    name: Literal["logit_std"] = Field(default="logit_std", description="kind of knowledge")
    weight: NonNegative = Field(default=9.0, description="beside the labels' cross-entropy")
    before: Literal["kd", "dkd", "dist"] = Field(default="kd", description="the loss that sees the standardised logits")
    temperature: Positive = Field(default=2.0, description="T of that loss")
    ddof: Literal[0, 1] = Field(default=1, description="variance over classes - ddof: 1 as the authors' code, 0 as the paper's formula")


class Bounded(LossSection):
    """Regression that stops where the student is nearer to the truth than the teacher.

    With class labels outputs are probabilities and the truth is one-hot; with float labels, outputs are compared as they are.

    Formula: |s - y|^2 where |s - y|^2 + margin > |t - y|^2, else 0; summed over outputs
    Paper: Chen et al. 2017, "Learning Efficient Object Detection Models with Knowledge Distillation"
    """

    name: Literal["bounded"] = Field(default="bounded", description="kind of knowledge")
    weight: NonNegative = Field(default=0.5, description="beside the labels' loss")
    margin: NonNegative = Field(default=0.0, description="by how much better the student must be to be left alone")
