"""Relation losses: how layers, or samples of a batch, lie to each other."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from tinykd.recipe.losses.loss import FeatureSection
from tinykd.recipe.section import NonNegative, Positive, PositiveInt


class Similarity(FeatureSection):
    """Similarity-preserving distillation: samples alike to the teacher shall be alike to the student.

    Formula: |G_s - G_t|_F^2 / batch^2, G = F F^T with rows scaled to length 1, F one flattened row a sample; summed over pairs
    Paper: Tung and Mori 2019, "Similarity-Preserving Knowledge Distillation", equations 1 to 4
    """

    auto: ClassVar[Literal["maps", "last_map", "embedding"]] = "last_map"

    name: Literal["similarity"] = Field(default="similarity", description="kind of knowledge")
    weight: NonNegative = Field(default=3000.0, description="beside the labels' cross-entropy")


class Pkt(FeatureSection):
    """Probabilistic knowledge transfer: whom of the batch each sample would pick as its neighbour.

    Mean over all batch x batch entries, as in the authors' code, hence the large weight.

    Formula: mean_ij P_t[i, j] log(P_t[i, j] / P_s[i, j]), P = (cosine(F_i, F_j) + 1) / 2 with rows scaled to sum 1
    Paper: Passalis and Tefas 2018, "Learning Deep Representations with Probabilistic Knowledge Transfer", equations 3 to 8
    """

    auto: ClassVar[Literal["maps", "last_map", "embedding"]] = "embedding"

    name: Literal["pkt"] = Field(default="pkt", description="kind of knowledge")
    weight: NonNegative = Field(default=30000.0, description="beside the labels' cross-entropy")


class Correlation(FeatureSection):
    """Correlation congruence: kernels between the samples of a batch, equal in both networks' embeddings.

    The student's feature is embedded at the teacher's width; the teacher's embedding is its feature.

    Formula: |C_s - C_t|_F^2 / batch^2, C[i, j] = exp(-gamma |x_i - x_j|^2) by its Taylor expansion, or x_i · x_j
    Paper: Peng et al. 2019, "Correlation Congruence for Knowledge Distillation", equations 6 to 10
    """

    auto: ClassVar[Literal["maps", "last_map", "embedding"]] = "embedding"
    helpers: ClassVar[str] = "an embedding of the student's feature a pair: a dense layer"

    name: Literal["correlation"] = Field(default="correlation", description="kind of knowledge")
    weight: NonNegative = Field(default=0.02, description="beside the labels' cross-entropy")
    kernel: Literal["gaussian", "bilinear"] = Field(default="gaussian", description="of embeddings; gaussian scales them to length 1")
    gamma: Positive = Field(default=0.4, description="of the Gaussian")
    order: PositiveInt = Field(default=2, description="of its Taylor expansion")
