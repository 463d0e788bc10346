"""Contrast with other samples: Tian, Krishnan and Isola 2020, "Contrastive Representation Distillation", equations 17 and 18."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.loss import Loss, Shape, features, fixed, needed
from tinykd.distill.losses.sizes import flat
from tinykd.distill.losses.unit import unit
from tinykd.errors import RecipeError, UsageError
from tinykd.recipe.losses.loss import Compares

keras = _keras()


class CRD(Loss):
    """`-log h(x) - sum over negatives of log(1 - h(x'))`, `h = P / (P + K/N)`, `P = exp(g_s . g_t / T) / Z`; mean over the batch.

    `g` are learned linear embeddings of length 1. The student's embedding is to tell the teacher's of the same sample from those of
    `K` other samples out of `N`, and the teacher's embedding the student's: the sum of both. The others' embeddings come from a memory
    bank of each side, a row a training sample, to which each step adds: `row = (momentum row + (1 - momentum) g)`, scaled to length 1.
    `Z` is the mean of `N exp(...)` over the first batch, and stays. Negatives are drawn with replacement, never the sample itself.
    All of it is computed in logarithms. The banks take `2 N dimension` floats: 61 MB at 60000 samples.

    The paper draws `K` others for each sample. Here `drawn` are drawn for a batch, and `K` times their mean stands for the sum over
    `K`: the same expectation, and so has its gradient, where a score of every sample with 16384 others costs more than a small student.

    Args:
        negatives: `K`, at most `N - 1`.
        temperature: `T`, above 0.
        momentum: of the rows of the memory banks.
        dimension: of the embeddings.
        drawn: rows of the memory banks that a step reads.
    """

    compares: ClassVar[Compares] = "features"

    def __init__(
        self, negatives: int = 16384, temperature: float = 0.07, momentum: float = 0.5, dimension: int = 128, drawn: int = 2048
    ) -> None:
        self.negatives = negatives
        self.temperature = temperature
        self.momentum = momentum
        self.dimension = dimension
        self.drawn = drawn

    def build(self, teacher_shapes: Sequence[Shape], student_shapes: Sequence[Shape]) -> None:
        """An embedding and a memory bank for each side; needs `samples`.

        Raises:
            RecipeError: more than one pair of layers.
            UsageError: nobody said how many training samples there are, or it is one.
        """
        if len(teacher_shapes) != 1:
            raise RecipeError(
                f"crd compares one pair of layers, not {len(teacher_shapes)}", "name the last vector before the logits of each"
            )
        if self.samples is None or self.samples < 2:
            raise UsageError("crd remembers each training sample and needs to know how many there are", "set its samples before build")
        self.others = min(self.negatives, self.samples - 1)
        self.networks = [
            keras.layers.Dense(self.dimension, kernel_initializer="lecun_uniform", name=f"crd_{side}") for side in ("teacher", "student")
        ]
        for network, (shape,) in zip(self.networks, (teacher_shapes, student_shapes), strict=True):
            network.build((None, math.prod(shape)))
        # Rows of about length 1, as the authors begin.
        rows = keras.initializers.RandomUniform(-math.sqrt(3 / self.dimension), math.sqrt(3 / self.dimension))
        self.banks = [
            keras.Variable(rows((self.samples, self.dimension)), trainable=False, name=f"crd_{side}_bank")
            for side in ("teacher", "student")
        ]
        #: log Z of the teacher's rows with the student's anchors, and of the reverse; -inf until the first batch.
        self.normalizations = [keras.Variable(-math.inf, trainable=False, name=f"crd_{side}_z") for side in ("teacher", "student")]
        self.seeds = keras.random.SeedGenerator()

    @property
    def variables(self) -> list[Any]:
        """Embeddings, banks, normalizations, and the state of the draws."""
        return [*super().variables, *self.banks, *self.normalizations, self.seeds.state]

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **context: Any) -> Any:
        """Scalar loss from one pair of features, taken as vectors, and `index`, int `[batch]`, no sample twice. Updates the banks.

        Raises:
            UsageError: no index, or `build` was not called.
        """
        index = keras.ops.cast(needed(context, "index", "crd"), "int32")
        if not self.networks:
            raise UsageError("crd has no embeddings yet", "set samples and call build before training")
        embedded = [
            unit(network(flat(feature)))
            for network, (feature,) in zip(self.networks, (fixed(teacher_outputs), features(student_outputs)), strict=True)
        ]
        others = self.draw()
        loss = sum(
            self._contrast(anchor, bank, index, others, normalization)
            for anchor, bank, normalization in zip(reversed(embedded), self.banks, self.normalizations, strict=True)
        )
        for bank, rows in zip(self.banks, embedded, strict=True):
            new = unit(self.momentum * keras.ops.take(bank, index, axis=0) + (1 - self.momentum) * keras.ops.stop_gradient(rows))
            bank.assign(keras.ops.scatter_update(bank, index[:, None], new))
        return loss

    def draw(self) -> Any:
        """Rows of the banks, uniformly, with replacement, `[drawn]`."""
        return keras.random.randint((self.drawn,), 0, self.samples, seed=self.seeds)

    def _contrast(self, anchor: Any, bank: Any, index: Any, others: Any, normalization: Any) -> Any:
        """Noise-contrastive estimate of `anchor` `[batch, dimension]` against rows `index` of the same samples and rows `others`."""
        assert self.samples is not None
        positive = keras.ops.sum(anchor * keras.ops.take(bank, index, axis=0), axis=1) / self.temperature
        negative = keras.ops.matmul(anchor, keras.ops.transpose(keras.ops.take(bank, others, axis=0))) / self.temperature
        # A mean over the others of each sample, from which it is left out itself.
        apart = keras.ops.cast(index[:, None] != others, "float32")
        share = apart / keras.ops.maximum(keras.ops.sum(apart, axis=1, keepdims=True), 1.0)
        scores = keras.ops.concatenate([positive[:, None], negative + keras.ops.log(self.others * share)], axis=1)
        mean = keras.ops.logsumexp(keras.ops.stop_gradient(scores)) - math.log(1 + self.others) - keras.ops.log(_count(index))
        log_z = keras.ops.where(keras.ops.isfinite(normalization), normalization, math.log(self.samples) + mean)
        normalization.assign(log_z)
        shift = log_z + math.log(self.others / self.samples)
        rejected = self.others * keras.ops.sum(share * keras.ops.log_sigmoid(shift - negative), axis=1)
        return -keras.ops.mean(keras.ops.log_sigmoid(positive - shift) + rejected)


def _count(index: Any) -> Any:
    return keras.ops.cast(keras.ops.shape(index)[0], "float32")
