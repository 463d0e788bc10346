"""Schemes without a teacher trained before: networks teach one another, or themselves."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from tinykd.recipe.net import Net
from tinykd.recipe.schemes.scheme import RAMP, Ramp, SchemeSection, Several
from tinykd.recipe.section import NonNegative, Positive, PositiveInt, UnitInterval


class Mutual(SchemeSection):
    """Deep mutual learning: several networks from scratch, each also learning from its peers; no trained teacher.

    All networks take one step on the same batch (the paper's peers take turns in it). The best of those with the student's
    architecture on validation is deployed; the ensemble teaches in quantization-aware training.

    Formula: sum_i [CE(s_i, y) + weight / (K - 1) * sum over j != i of T^2 KL(p_j || p_i)]
    Paper: Zhang, Xiang, Hospedales and Lu 2018, "Deep Mutual Learning", equations 3 to 7
    """

    given_teacher: ClassVar[bool] = False
    ensemble: ClassVar[bool] = True
    trains_alone: ClassVar[bool] = True

    name: Literal["mutual"] = Field(default="mutual", description="scheme")
    peers: Several = Field(default=2, description="networks; without nets all have the student's architecture")
    nets: tuple[Net, ...] = Field(default=(), description="architectures of the student's peers, instead of its own")
    temperature: Positive = Field(default=1.0, description="T")
    weight: NonNegative = Field(default=1.0, description="of the divergence from the peers")


class One(SchemeSection):
    """On-the-fly native ensemble: branches on a shared stem, taught by their own gated ensemble; one branch is deployed.

    Formula: sum_i CE(s_i, y) + CE(s_e, y) + w(epoch) T^2 sum_i KL(p_e || p_i), s_e = sum_i g_i s_i, g = softmax(ReLU(BN(FC(stem))))
    Paper: Lan, Zhu and Gong 2018, "Knowledge Distillation by On-the-Fly Native Ensemble", equations 3 to 7
    """

    given_teacher: ClassVar[bool] = False
    ensemble: ClassVar[bool] = True
    trains_alone: ClassVar[bool] = True

    name: Literal["one"] = Field(default="one", description="scheme")
    branches: Several = Field(default=3, description="copies of the student above its stem")
    split: str = Field(default="auto", description="the student's layer where the stem ends; auto: half of its layers with weights")
    temperature: Positive = Field(default=3.0, description="T")
    ramp: Ramp = Field(default=0.27, description=RAMP)


class Okddip(SchemeSection):
    """Online distillation with diverse peers: peers choose by attention whom to learn from; a group leader is deployed.

    Formula: sum_a CE(s_a, y) + CE(s_l, y) + w(epoch) T^2 [sum_a KL(sum_b A_ab p_b || p_a) + KL(mean_a p_a || p_l)],
        A = softmax over b of <query_a, key_b>
    Paper: Chen, Mei, Wang, Feng and Chen 2020, "Online Knowledge Distillation with Diverse Peers", equations 3 to 8
    """

    given_teacher: ClassVar[bool] = False
    ensemble: ClassVar[bool] = True
    trains_alone: ClassVar[bool] = True

    name: Literal["okddip"] = Field(default="okddip", description="scheme")
    peers: Annotated[int, Field(ge=3, le=32)] = Field(default=4, description="branches, the leader among them")
    split: str = Field(default="auto", description="the student's layer where the shared stem ends; auto: half of its layers with weights")
    temperature: Positive = Field(default=3.0, description="T")
    reduction: PositiveInt = Field(default=8, description="queries and keys are this many times narrower than the embedding")
    weight: NonNegative = Field(default=1.0, description="alpha, of both divergences")
    ramp: Ramp = Field(default=0.27, description=RAMP)


class BeYourOwnTeacher(SchemeSection):
    """Self-distillation: a classifier after each section of the student, taught by the deepest, which is deployed.

    The exits' bottlenecks and classifiers are helpers: `exits/` of the run keeps each exit as a network.

    Formula: CE(s_C, y) + sum over i < C of (1 - alpha) CE(s_i, y) + alpha T^2 KL(p_C || p_i) + hint_weight mean (r(F_i) - F_C)^2
    Paper: Zhang et al. 2019, "Be Your Own Teacher", equations 2 to 5
    """

    given_teacher: ClassVar[bool] = False
    ensemble: ClassVar[bool] = True
    trains_alone: ClassVar[bool] = True

    name: Literal["be_your_own_teacher"] = Field(default="be_your_own_teacher", description="scheme")
    exits: tuple[str, ...] | Literal["auto"] = Field(
        default="auto", description="layers of the student after which an exit stands; auto: three, evenly spaced in depth"
    )
    temperature: Positive = Field(default=3.0, description="T")
    alpha: UnitInterval = Field(default=0.3, description="weight of the deepest exit's probabilities, taken from the labels'")
    hint_weight: NonNegative = Field(default=0.03, description="of the L2 distance to the deepest exit's features")


class BornAgain(SchemeSection):
    """Generations of the student's architecture, each taught by the last; the last one is deployed.

    Generation 0 learns from labels. Every generation starts from new weights and is kept in `generations/`; the ensemble of those
    before the last stands in the report as the teacher. Quantization-aware training goes on with the last one's own teacher.

    Formula: generation k: CE(s_k, y) + sum of weight * loss against generation k - 1; the paper's loss is kd at T 1, weight 1
    Paper: Furlanello et al. 2018, "Born-Again Neural Networks", equations 2 and 5
    """

    given_teacher: ClassVar[bool] = False
    augments: ClassVar[bool] = False

    name: Literal["born_again"] = Field(default="born_again", description="scheme")
    generations: PositiveInt = Field(default=2, description="after generation 0")
