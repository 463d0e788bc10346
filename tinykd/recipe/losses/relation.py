"""Relation losses: how layers, or samples of a batch, lie to each other."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from tinykd.recipe.losses.loss import Auto, FeatureSection
from tinykd.recipe.section import NonNegative, Positive, PositiveInt


class Similarity(FeatureSection):
    """Similarity-preserving distillation: samples alike to the teacher shall be alike to the student.

    Formula: |G_s - G_t|_F^2 / batch^2, G = F F^T with rows scaled to length 1, F one flattened row a sample; summed over pairs
    Paper: Tung and Mori 2019, "Similarity-Preserving Knowledge Distillation"
    """

    auto: ClassVar[Auto] = "last_map"

    name: Literal["similarity"] = Field(default="similarity", description="kind of knowledge")
    weight: NonNegative = Field(default=3000.0, description="beside the labels' cross-entropy")


class Pkt(FeatureSection):
    """Probabilistic knowledge transfer: whom of the batch each sample would pick as its neighbour.

    Mean over all batch x batch entries, as in the authors' code, hence the large weight.

    Formula: mean_ij P_t[i, j] log(P_t[i, j] / P_s[i, j]), P = (cosine(F_i, F_j) + 1) / 2 with rows scaled to sum 1
    Paper: Passalis and Tefas 2018, "Learning Deep Representations with Probabilistic Knowledge Transfer"
    """

    auto: ClassVar[Auto] = "embedding"

    name: Literal["pkt"] = Field(default="pkt", description="kind of knowledge")
    weight: NonNegative = Field(default=30000.0, description="beside the labels' cross-entropy")


class Correlation(FeatureSection):
    """Correlation congruence: kernels between the samples of a batch, equal in both networks' embeddings.

    The student's feature is embedded at the teacher's width; the teacher's embedding is its feature. The default weight is that of
    RepDistiller, whose loss is another (products of the differences of neighbours in the batch). Here squares are below 1, so that at
    this weight the term adds less than 0.02 to the loss: raise it for an effect that can be seen.

    Formula: |C_s - C_t|_F^2 / batch^2, C[i, j] = exp(-gamma |x_i - x_j|^2) by its Taylor expansion, or x_i · x_j
    Paper: Peng et al. 2019, "Correlation Congruence for Knowledge Distillation"
    """

    auto: ClassVar[Auto] = "embedding"
    helpers: ClassVar[str] = "an embedding of the student's feature a pair: a dense layer"

    name: Literal["correlation"] = Field(default="correlation", description="kind of knowledge")
    weight: NonNegative = Field(default=0.02, description="beside the labels' cross-entropy")
    kernel: Literal["gaussian", "bilinear"] = Field(default="gaussian", description="of embeddings; gaussian scales them to length 1")
    gamma: Positive = Field(default=0.4, description="of the Gaussian")
    order: PositiveInt = Field(default=2, description="of its Taylor expansion")


class Fsp(FeatureSection):
    """Flow of solution procedure: which channels of one layer go together with which of the next.

    Two layers are brought to one size by average-pooling the larger. In the paper a first stage, and only for equal channels.

    Formula: mean_cd (G_s - G_t)^2, G[c, d] = mean over positions of A[c] B[d], summed over consecutive layers A, B
    Paper: Yim et al. 2017, "A Gift from Knowledge Distillation", equations 1 and 2
    """

    helpers: ClassVar[str] = "a 1x1 convolution a pair whose channels differ"

    name: Literal["fsp"] = Field(default="fsp", description="kind of knowledge")
    weight: NonNegative = Field(default=50.0, description="beside the labels' cross-entropy")


class Svd(FeatureSection):
    """Singular vectors: how the leading directions of one layer's channels lie to those of the next.

    A map is the matrix [positions, channels] = U S V^T; its k first columns of V, scaled by the teacher's S, are compared. The mean over
    some samples of a batch stands for that over all, for decompositions cost more than a small student's step.

    Formula: sum (R_s - R_t)^2, R[i, j] = exp(-(a_i - b_j)^2 / 8), a, b singular vectors of consecutive layers, summed over those
    Paper: Lee, Kim and Song 2018, "Self-supervised Knowledge Distillation Using Singular Value Decomposition", section 3
    """

    auto: ClassVar[Auto] = "inner_maps"
    helpers: ClassVar[str] = "a 1x1 convolution a pair whose channels differ"

    name: Literal["svd"] = Field(default="svd", description="kind of knowledge")
    weight: NonNegative = Field(default=1.0, description="beside the labels' cross-entropy")
    k: PositiveInt = Field(default=1, description="singular vectors of a map")
    decomposed: PositiveInt = Field(default=24, description="samples of a batch that are compared, at most")


class Rkd(FeatureSection):
    """Relational knowledge distillation: distances and angles between the samples of a batch.

    Memory grows with the cube of the batch: 8 MB at 128, 67 MB at 256.

    Formula: distance mean_ij huber(d_s - d_t) + angle mean_ijk huber(a_s - a_t), d = |x_i - x_j| / mean, a = cosine at i of j, i, k
    Paper: Park et al. 2019, "Relational Knowledge Distillation", equations 4 to 9
    """

    auto: ClassVar[Auto] = "embedding"

    name: Literal["rkd"] = Field(default="rkd", description="kind of knowledge")
    weight: NonNegative = Field(default=1.0, description="of both parts")
    distance: NonNegative = Field(default=25.0, description="weight of the distances")
    angle: NonNegative = Field(default=50.0, description="weight of the angles")


class Crd(FeatureSection):
    """Contrastive representation distillation: the teacher's embedding of a sample, among those of many others.

    The others come from a memory bank of both embeddings of every training sample: 2 x samples x dimension floats. The paper draws K of
    them for each sample; here a batch shares what is drawn, and K times the mean stands for the sum, at a fraction of the cost.

    Formula: -log h(x) - sum over K negatives of log(1 - h(x')), h = P / (P + K/N), P = exp(g_s · g_t / T) / Z, from both sides
    Paper: Tian, Krishnan and Isola 2020, "Contrastive Representation Distillation", equations 17 and 18
    """

    auto: ClassVar[Auto] = "embedding"
    helpers: ClassVar[str] = "an embedding of each side, a dense layer; a memory bank of each"

    name: Literal["crd"] = Field(default="crd", description="kind of knowledge")
    weight: NonNegative = Field(default=0.8, description="beside the labels' cross-entropy")
    negatives: PositiveInt = Field(default=16384, description="K; at most the other training samples")
    temperature: Positive = Field(default=0.07, description="T")
    momentum: Annotated[float, Field(ge=0, lt=1)] = Field(default=0.5, description="of the memory banks' rows")
    dimension: PositiveInt = Field(default=128, description="of the embeddings")
    drawn: PositiveInt = Field(default=2048, description="rows of the banks that a step reads: their mean, times K, is the sum over K")
