"""Schemes whose teacher sees other inputs than the labelled training samples."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from tinykd.recipe.data import Data
from tinykd.recipe.schemes.scheme import SchemeSection
from tinykd.recipe.section import NonNegative, Positive, PositiveInt, UnitInterval


class DataFree(SchemeSection):
    """Without training data: a generator or the teacher's own statistics supply the inputs.

    dafl: the generator makes inputs that the teacher is sure of, of all classes, with strong activations. zskt: it makes those on
    which student and teacher differ most. deep_inversion: inputs themselves are optimised until the teacher names a class and its
    batch-norm layers see the statistics of their training. The student then learns from these inputs with the recipe's losses; only
    the choice of the best epoch looks at real (validation) samples.

    Formula: dafl G: CE(t, argmax t) + entropy_weight sum_c pbar log pbar - activation_weight mean |f_t|; zskt G: -KL(p_t || p_s);
        deep_inversion x: CE + total_variation TV(x) + statistics_weight sum_l (|mu - mu_l| + |var - var_l|)
    Paper: Chen et al. 2019, "Data-Free Learning of Student Networks"; Micaelli and Storkey 2019, "Zero-shot Knowledge Transfer via
        Adversarial Belief Matching"; Yin et al. 2020, "Dreaming to Distill"
    """

    runs_teacher: ClassVar[bool] = True

    name: Literal["data_free"] = Field(default="data_free", description="scheme")
    kind: Literal["dafl", "zskt", "deep_inversion"] = Field(default="dafl", description="where inputs come from")
    latent: PositiveInt = Field(default=100, description="width of the generator's noise")
    learning_rate: Positive = Field(default=1e-3, description="of the generator, or of the inputs (deep_inversion: try 0.05)")
    student_steps: PositiveInt = Field(default=7, description="zskt: steps of the student for each of the generator")
    entropy_weight: NonNegative = Field(default=5.0, description="dafl: of the classes' balance in a batch")
    activation_weight: NonNegative = Field(default=0.1, description="dafl: of the teacher's activations")
    statistics_weight: NonNegative = Field(default=10.0, description="deep_inversion: of the batch-norm statistics")
    total_variation: NonNegative = Field(default=2.5e-5, description="deep_inversion: of neighbouring pixels' differences")
    steps: PositiveInt = Field(default=1000, description="of the generator, or of each batch of inputs (deep_inversion)")
    samples: PositiveInt = Field(default=4096, description="inputs kept: what the student, batch norm and quantization see")


class CrossModal(SchemeSection):
    """The teacher sees one view of each sample (another sensor, channel set, resolution), the student another.

    `data` loads the same samples in the same order as the recipe's own data, in the teacher's form. With label_weight 0 the labels
    of the student's samples are not looked at.

    Formula: the recipe's losses, t = teacher(view of sample), s = student(sample)
    Paper: Gupta, Hoffman and Malik 2016, "Cross Modal Distillation for Supervision Transfer", section 3
    """

    name: Literal["cross_modal"] = Field(default="cross_modal", description="scheme")
    data: Data = Field(default=Data(), description="the teacher's view of the samples")


class PseudoLabels(SchemeSection):
    """The teacher labels unlabelled or synthetic inputs; the student trains on those alone.

    Without `path` inputs are synthetic, by MUNGE: each feature of a sample is, with probability `swap`, replaced by a draw around
    its nearest neighbour's.

    Formula: the recipe's losses; the labels are argmax t
    Paper: Bucila, Caruana and Niculescu-Mizil 2006, "Model Compression", section 3
    """

    runs_teacher: ClassVar[bool] = True

    name: Literal["pseudo_labels"] = Field(default="pseudo_labels", description="scheme")
    path: str | None = Field(default=None, description=".npz with unlabelled inputs, array x, in the form of the data")
    copies: PositiveInt = Field(default=4, description="synthetic samples for each of the training split")
    swap: UnitInterval = Field(default=0.5, description="probability that a feature is exchanged")
    local_variance: Positive = Field(default=1.0, description="s; the draw's deviation is the neighbours' distance in the feature, over s")
