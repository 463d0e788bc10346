"""Schemes with a teacher trained before the student."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from tinykd.recipe.net import Net
from tinykd.recipe.schemes.scheme import SchemeSection, Several
from tinykd.recipe.section import NonNegative, Positive, PositiveInt


class Offline(SchemeSection):
    """A trained teacher, then the student.

    Formula: label_weight CE + sum of weight * loss, for the losses of the recipe
    Paper: Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network"
    """

    name: Literal["offline"] = Field(default="offline", description="scheme")


class MultiTeacher(SchemeSection):
    """Several teachers of one student: averaged, drawn at random, each with samples of its own, or weighted by confidence.

    average: the softened outputs' mean is the target. random: every step one teacher is drawn. separate: every sample comes once
    with each teacher's outputs, and nothing is averaged. confidence: for each sample a teacher counts the more, the smaller its
    own cross-entropy. Quantization-aware training goes on with the average.

    Formula: average KL(mean_k p_k || p_s); confidence mean sum_k w_k KL(p_k || p_s), w_k = (1 - softmax_k CE(t_k, y)) / (K - 1)
    Paper: Fukuda et al. 2017 (random, separate); You et al. 2017 (average); Zhang, Chen and Wang 2022, "Confidence-Aware
        Multi-Teacher Knowledge Distillation", equations 3 to 5
    """

    given_teacher: ClassVar[bool] = False
    ensemble: ClassVar[bool] = True

    name: Literal["multi_teacher"] = Field(default="multi_teacher", description="scheme")
    combine: Literal["average", "random", "separate", "confidence"] = Field(default="average", description="how teachers go together")
    count: Several = Field(default=3, description="teachers of the recipe's net, trained from different first weights; without paths")
    paths: tuple[str, ...] = Field(default=(), description="trained teachers (files) instead, each giving logits")
    temperature: Positive = Field(default=4.0, description="at which average and confidence soften; that of the recipe's kd")

    @model_validator(mode="after")
    def _several(self) -> MultiTeacher:
        if len(self.paths) == 1:
            raise ValueError("paths names one teacher; several are needed, or the scheme offline")
        return self


class Assistant(SchemeSection):
    """Networks between teacher and student, each taught by the one before it.

    chain: each assistant learns from the last with the recipe's losses, and the student from the last assistant. residual: the
    student learns from the teacher; then an assistant of the student's size learns what the student still misses, and the student
    goes on with their sum, which is nearer to it than the teacher, as its target.

    Formula: chain (1 - a) CE + a T^2 KL(p_k-1 || p_k); residual mean ((t - s) - assistant)^2, then target s + assistant
    Paper: Mirzadeh et al. 2020, "Improved Knowledge Distillation via Teacher Assistant", section 3; Gao, Wang and Wan 2020,
        "Residual Error Based Knowledge Distillation", section 3 (there on features, and both networks are deployed)
    """

    name: Literal["assistant"] = Field(default="assistant", description="scheme")
    kind: Literal["chain", "residual"] = Field(default="chain", description="what an assistant learns")
    assistants: Annotated[tuple[Net, ...], Field(min_length=1)] = Field(
        default=(Net(net="ds_cnn", knobs={"width": 64}),), description="from the teacher's end to the student's; residual takes one"
    )

    @model_validator(mode="after")
    def _one_residual(self) -> Assistant:
        if self.kind == "residual" and len(self.assistants) > 1:
            raise ValueError(f"residual takes one assistant, not {len(self.assistants)}")
        return self


class Gradual(SchemeSection):
    """The student follows checkpoints of the teacher's own training, from early to final.

    The teacher's outputs are stored at `anchors` epochs, evenly spaced to its last; the student spends an equal share of its
    epochs with each.

    Formula: the recipe's losses against the teacher as it was after epoch e_i, i = 1 ... anchors
    Paper: Min et al. 2019, "A Gradual Knowledge Distillation"; as route constrained optimization, Jin et al. 2019, section 3
    """

    given_teacher: ClassVar[bool] = False

    name: Literal["gradual"] = Field(default="gradual", description="scheme")
    anchors: Several = Field(default=4, description="checkpoints of the teacher that the student follows")


class Adversarial(SchemeSection):
    """A discriminator guesses whose logits or features it sees; the student learns to be taken for the teacher.

    The discriminator takes its step with the student's, on the same batch, and vanishes with the training.

    Formula: student: offline + weight * -log D(student); D: -log D(teacher) - log (1 - D(student))
    Paper: Xu, Hsu and Huang 2018, "Training Shallow and Thin Networks for Acceleration via Knowledge Distillation with Conditional
        Adversarial Networks", section 3; Wang et al. 2018, "KDGAN", equation 4
    """

    augments: ClassVar[bool] = False

    name: Literal["adversarial"] = Field(default="adversarial", description="scheme")
    weight: NonNegative = Field(default=0.1, description="of the student's adversarial term")
    hidden: PositiveInt = Field(default=64, description="units of the discriminator's hidden layer")


class Quantized(SchemeSection):
    """The student computes with quantized weights all along; gradients go to a full-precision copy.

    Kernels are rounded to `2^bits` levels, evenly spaced between the extremes of each bucket of weights; or, with `grid = "channel"`,
    to the integers that `quantize.weight_bits` of the native engine deploys, so that 4 bits go on to 4-bit weights in flash. Biases
    and normalization stay as they are. `student.keras` holds the rounded weights.

    Formula: loss(Q(w)), gradient applied to w; Q(w) = a + b * round((w - a) / b * (2^bits - 1)) / (2^bits - 1) in each bucket
    Paper: Polino, Pascanu and Alistarh 2018, "Model Compression via Distillation and Quantization", section 3 (there kd at T 2)
    """

    augments: ClassVar[bool] = False

    name: Literal["quantized"] = Field(default="quantized", description="scheme")
    bits: Literal[2, 4, 8] = Field(default=4, description="of a weight")
    grid: Literal["bucket", "channel"] = Field(
        default="bucket", description="bucket: the paper's; channel: symmetric, a scale a filter, as the integer kernels have it"
    )
    bucket: PositiveInt = Field(default=256, description='consecutive weights that share a scale; with grid = "bucket"')
