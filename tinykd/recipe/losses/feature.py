"""Feature losses: layers against layers, sample by sample; and two losses that need the networks themselves."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from tinykd.recipe.losses.loss import Auto, Compares, FeatureSection, LossSection
from tinykd.recipe.section import NonNegative, NonNegativeInt, Positive, PositiveInt

REGRESSORS = "a regressor a pair: a 1x1 convolution on maps, a dense layer on vectors"


class Hint(FeatureSection):
    """Hints: the teacher's features themselves, through a regressor to its width.

    In the paper a first stage on the lower half of the network, before kd; here beside the other losses.

    Formula: mean (r(F_s) - F_t)^2, summed over pairs
    Paper: Romero et al. 2015, "FitNets: Hints for Thin Deep Nets", equation 3
    """

    auto: ClassVar[Auto] = "inner_maps"
    helpers: ClassVar[str] = REGRESSORS

    name: Literal["hint"] = Field(default="hint", description="kind of knowledge")
    weight: NonNegative = Field(default=100.0, description="beside the labels' cross-entropy")


class Attention(FeatureSection):
    """Attention transfer: where in the image the network is active, not what it sees there.

    Formula: mean (A_s - A_t)^2, A = vec(mean over channels of |F|^power) scaled to length 1, summed over pairs
    Paper: Zagoruyko and Komodakis 2017, "Paying More Attention to Attention", section 3.1, equation 2
    """

    name: Literal["attention"] = Field(default="attention", description="kind of knowledge")
    weight: NonNegative = Field(default=1000.0, description="beside the labels' cross-entropy")
    power: Annotated[float, Field(ge=1)] = Field(default=2.0, description="larger ones see the strongest channels only")


class Mmd(FeatureSection):
    """Maximum mean discrepancy between the channels of both maps, as samples of two distributions.

    Each channel is flattened over space and scaled to length 1. With the linear kernel only the mean channels are compared.

    Formula: mean K(t, t') + mean K(s, s') - 2 mean K(s, t) over pairs of channels, summed over pairs of layers
    Paper: Huang and Wang 2017, "Like What You Like: Knowledge Distill via Neuron Selectivity Transfer"
    """

    auto: ClassVar[Auto] = "inner_maps"

    name: Literal["mmd"] = Field(default="mmd", description="kind of knowledge")
    weight: NonNegative = Field(default=50.0, description="beside the labels' cross-entropy")
    kernel: Literal["linear", "polynomial"] = Field(default="linear", description="K: the dot product, or its square (then it is nst)")


class Nst(FeatureSection):
    """Neuron selectivity transfer: mmd with the polynomial kernel of degree 2, which compares positions that are active together.

    Formula: mean (t · t')^2 + mean (s · s')^2 - 2 mean (s · t)^2 over pairs of channels of length 1, summed over pairs of layers
    Paper: Huang and Wang 2017, "Like What You Like: Knowledge Distill via Neuron Selectivity Transfer"
    """

    auto: ClassVar[Auto] = "inner_maps"

    name: Literal["nst"] = Field(default="nst", description="kind of knowledge")
    weight: NonNegative = Field(default=50.0, description="beside the labels' cross-entropy")


class ActivationBoundary(FeatureSection):
    """Activation boundaries: every neuron on or off as in the teacher, by a margin, however strongly.

    Meant for pre-activations of the student: auto takes the layer before each ReLU (an activation inside of a layer cannot be told
    apart); where you name layers, do likewise. The sum runs over neurons, hence the small weight.

    Formula: (r(s) + m)^2 where t <= 0 and r(s) > -m; (r(s) - m)^2 where t > 0 and r(s) <= m; pair i of n counts 2^(i - n)
    Paper: Heo et al. 2019, "Knowledge Transfer via Distillation of Activation Boundaries Formed by Hidden Neurons"
    """

    auto: ClassVar[Auto] = "inner_maps"
    reads: ClassVar[Literal["output", "pre_activation"]] = "pre_activation"
    helpers: ClassVar[str] = REGRESSORS

    name: Literal["activation_boundary"] = Field(default="activation_boundary", description="kind of knowledge")
    weight: NonNegative = Field(default=0.003, description="beside the labels' cross-entropy")
    margin: Positive = Field(default=1.0, description="m")


class Sparsity(FeatureSection):
    """Sparsity patterns: the fraction of neurons that are on in one network and off in the other.

    Meant for pre-activations of the student, as activation_boundary is. The step's gradient is replaced by a sigmoid's.

    Formula: mean |1[F_s > 0] - 1[F_t > 0]|, summed over pairs
    Paper: Heo et al. 2019, "Knowledge Transfer via Distillation of Activation Boundaries Formed by Hidden Neurons"
    """

    auto: ClassVar[Auto] = "inner_maps"
    reads: ClassVar[Literal["output", "pre_activation"]] = "pre_activation"
    helpers: ClassVar[str] = f"{REGRESSORS}, where widths differ"

    name: Literal["sparsity"] = Field(default="sparsity", description="kind of knowledge")
    weight: NonNegative = Field(default=1.0, description="beside the labels' cross-entropy")
    surrogate: Literal["straight_through", "sigmoid"] = Field(
        default="straight_through", description="the step with the sigmoid's gradient, or the sigmoid itself"
    )
    slope: Positive = Field(default=4.0, description="the surrogate is sigmoid(slope x)")


class Factor(FeatureSection):
    """Factor transfer: both networks' maps put into other words, the teacher's by an autoencoder of its features.

    The paraphraser is trained before the student, on the teacher's features alone, and then stays. The paper's translator has 3x3
    filters, which beside a small student cost as much as the student does: here they are 1x1 unless kernel is 3.

    Formula: mean |f_s / |f_s| - f_t / |f_t||, f the factor of a sample as one vector, summed over pairs
    Paper: Kim, Park and Kwak 2018, "Paraphrasing Complex Network: Network Compression via Factor Transfer", equation 3
    """

    auto: ClassVar[Auto] = "last_map"
    helpers: ClassVar[str] = "a paraphraser (six convolutions) and a translator (three) a pair"

    name: Literal["factor"] = Field(default="factor", description="kind of knowledge")
    weight: NonNegative = Field(default=200.0, description="beside the labels' cross-entropy")
    rate: Positive = Field(default=0.5, description="channels of the factor over the teacher's, k")
    epochs: NonNegativeInt = Field(default=30, description="of the paraphraser's training")
    kernel: Literal[1, 3] = Field(default=1, description="side of the translator's filters; the paper's is 3")


class Review(FeatureSection):
    """Knowledge review: each stage of the teacher also teaches the student's deeper stages.

    From the deepest stage to the shallowest, maps of the student are fused with weights a position, and compared at several sizes.
    The authors fuse at the deepest stage's channels and leave by 3x3 convolutions: for a small student set both keys, and see the cost.

    Formula: sum_l w_l mean (pool_l(F_s) - pool_l(F_t))^2 / sum_l w_l, sizes l: all, 4, 2, 1, w: 1, 1/2, 1/4, 1/8, summed over stages
    Paper: Chen et al. 2021, "Distilling Knowledge via Knowledge Review", section 3
    """

    auto: ClassVar[Auto] = "inner_maps"
    helpers: ClassVar[str] = "a fusion a stage: a convolution in, one out, and one for the weights of positions"

    name: Literal["review"] = Field(default="review", description="kind of knowledge")
    weight: NonNegative = Field(default=1.0, description="beside the labels' cross-entropy; the authors take up to 8")
    warmup_epochs: NonNegative = Field(default=20.0, description="in which the weight rises linearly from 0")
    channels: PositiveInt | None = Field(default=None, description="of the fused maps; half of the narrowest stage's unless given")
    kernel: Literal[1, 3] = Field(default=1, description="side of the filters that lead to the teacher's channels; the paper's is 3")


class Msff(FeatureSection):
    """Multistage feature fusion: stages of the student fused with all deeper ones, by attention over stages.

    The authors published no code: their structure, with details chosen here; see the class for these.

    Formula: mean over positions of 1 - cosine over channels + mean over channels of 1 - cosine over positions, summed over stages
    Paper: Li et al. 2024, "Multistage feature fusion knowledge distillation", Scientific Reports 14
    """

    auto: ClassVar[Auto] = "inner_maps"
    helpers: ClassVar[str] = "a 1x1 convolution for each two stages that are fused, and a query a stage"

    name: Literal["msff"] = Field(default="msff", description="kind of knowledge")
    weight: NonNegative = Field(default=1.0, description="beside the labels' cross-entropy")


class Weights(FeatureSection):
    """Intermediate weights: the student's kernels against a learned linear projection of the teacher's.

    Kernels are [taps, inputs, outputs]; the projection has a matrix for each of the three axes. A layer without a kernel stands for
    the last one before it that has one. Needs the teacher's model, and costs nothing a sample.

    Formula: mean (W_s - P(W_t))^2, P(W)[p, i, o] = sum_qjr A[p, q] B[i, j] C[o, r] W[q, j, r], summed over pairs
    Paper: no paper of its own; Han 2023, "TinyML and Efficient Deep Learning Computing", lecture on knowledge distillation
    """

    compares: ClassVar[Compares] = "models"
    helpers: ClassVar[str] = "a matrix for each axis of a kernel"

    name: Literal["weights"] = Field(default="weights", description="kind of knowledge")
    weight: NonNegative = Field(default=1.0, description="beside the labels' cross-entropy")


class Jacobian(LossSection):
    """Gradient attention: which input values the label's cross-entropy depends on.

    Needs the teacher's model; both networks run once more each step, in inference mode, and the student's gradient is differentiated.

    Formula: |J_s - J_t|^2, J = dCE/dx; or mean (A_s - A_t)^2, A = mean over channels of |J| scaled to length 1
    Paper: Zagoruyko and Komodakis 2017, "Paying More Attention to Attention", section 3.2
    """

    compares: ClassVar[Compares] = "models"

    name: Literal["jacobian"] = Field(default="jacobian", description="kind of knowledge")
    weight: NonNegative = Field(default=1.0, description="beside the labels' cross-entropy")
    form: Literal["gradient", "attention"] = Field(default="gradient", description="the gradient itself, or a map of its size")
