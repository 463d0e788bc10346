"""Feature losses: layers against layers, sample by sample."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from tinykd.recipe.losses.loss import FeatureSection
from tinykd.recipe.section import NonNegative, Positive

REGRESSORS = "a regressor a pair: a 1x1 convolution on maps, a dense layer on vectors"


class Hint(FeatureSection):
    """Hints: the teacher's features themselves, through a regressor to its width.

    In the paper a first stage on the lower half of the network, before kd; here beside the other losses.

    Formula: mean (r(F_s) - F_t)^2, summed over pairs
    Paper: Romero et al. 2015, "FitNets: Hints for Thin Deep Nets", equation 3
    """

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
    Paper: Huang and Wang 2017, "Like What You Like: Knowledge Distill via Neuron Selectivity Transfer", equations 4 to 6
    """

    name: Literal["mmd"] = Field(default="mmd", description="kind of knowledge")
    weight: NonNegative = Field(default=50.0, description="beside the labels' cross-entropy")
    kernel: Literal["linear", "polynomial"] = Field(default="linear", description="K: the dot product, or its square (then it is nst)")


class Nst(FeatureSection):
    """Neuron selectivity transfer: mmd with the polynomial kernel of degree 2, which compares positions that are active together.

    Formula: mean (t · t')^2 + mean (s · s')^2 - 2 mean (s · t)^2 over pairs of channels of length 1, summed over pairs of layers
    Paper: Huang and Wang 2017, "Like What You Like: Knowledge Distill via Neuron Selectivity Transfer", section 4.2
    """

    name: Literal["nst"] = Field(default="nst", description="kind of knowledge")
    weight: NonNegative = Field(default=50.0, description="beside the labels' cross-entropy")


class ActivationBoundary(FeatureSection):
    """Activation boundaries: every neuron on or off as in the teacher, by a margin, however strongly.

    Meant for pre-activations of the student: name its layers before the ReLU. The sum runs over neurons, hence the small weight.

    Formula: (r(s) + m)^2 where t <= 0 and r(s) > -m; (r(s) - m)^2 where t > 0 and r(s) <= m; pair i of n counts 2^(i - n)
    Paper: Heo et al. 2019, "Knowledge Transfer via Distillation of Activation Boundaries Formed by Hidden Neurons", equation 5
    """

    helpers: ClassVar[str] = REGRESSORS

    name: Literal["activation_boundary"] = Field(default="activation_boundary", description="kind of knowledge")
    weight: NonNegative = Field(default=0.003, description="beside the labels' cross-entropy")
    margin: Positive = Field(default=1.0, description="m")


class Sparsity(FeatureSection):
    """Sparsity patterns: the fraction of neurons that are on in one network and off in the other.

    Meant for pre-activations of the student. The step's gradient is replaced by a sigmoid's.

    Formula: mean |1[F_s > 0] - 1[F_t > 0]|, summed over pairs
    Paper: Heo et al. 2019, "Knowledge Transfer via Distillation of Activation Boundaries Formed by Hidden Neurons", equation 2
    """

    helpers: ClassVar[str] = f"{REGRESSORS}, where widths differ"

    name: Literal["sparsity"] = Field(default="sparsity", description="kind of knowledge")
    weight: NonNegative = Field(default=1.0, description="beside the labels' cross-entropy")
    surrogate: Literal["straight_through", "sigmoid"] = Field(
        default="straight_through", description="the step with the sigmoid's gradient, or the sigmoid itself"
    )
    slope: Positive = Field(default=4.0, description="the surrogate is sigmoid(slope x)")
