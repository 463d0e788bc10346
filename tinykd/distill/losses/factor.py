"""Factor transfer: Kim, Park and Kwak 2018, "Paraphrasing Complex Network: Network Compression via Factor Transfer"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.loss import Loss, Shape, features, fixed
from tinykd.distill.losses.sizes import flat, matched, require_maps
from tinykd.distill.losses.unit import unit
from tinykd.recipe.losses.loss import Compares

keras = _keras()

#: Slope of the leaky ReLU below 0, in paraphraser and translator.
LEAK = 0.1

#: Of the paraphraser's own training.
BATCH = 128


class Factor(Loss):
    """`mean |f_s / ‖f_s‖ - f_t / ‖f_t‖|` with factors `f`, each sample's taken as one vector; mean over the batch, summed over pairs.

    The teacher's factor comes from a paraphraser, an autoencoder of three convolutions each way whose middle has `rate` times the
    teacher's channels; `prepare` trains it on the teacher's features alone (reconstruction, mean squared error, Adam), after which it
    does not change. The student's comes from a translator, the encoder's three convolutions with batch normalization, trained beside
    the student. As in the paper and its authors' code the whole factor is compared, where RepDistiller first averages its channels.
    The paper's translator has 3x3 filters; trained beside a student for a microcontroller they cost as much as the student does.

    Args:
        rate: channels of the factor over those of the teacher, `k` in the paper.
        epochs: of the paraphraser's training.
        kernel: side of the translator's filters.
    """

    compares: ClassVar[Compares] = "features"

    def __init__(self, rate: float = 0.5, epochs: int = 30, kernel: Literal[1, 3] = 1) -> None:
        self.rate = rate
        self.epochs = epochs
        self.kernel = kernel
        self.paraphrasers: list[Any] = []

    def build(self, teacher_shapes: Sequence[Shape], student_shapes: Sequence[Shape]) -> None:
        """A translator and a paraphraser a pair.

        Raises:
            UnsupportedModel: a layer gives vectors.
        """
        require_maps("factor", *teacher_shapes, *student_shapes)
        widths = [max(1, int(shape[-1] * self.rate)) for shape in teacher_shapes]
        self.translators = [_translator(shape, width, self.kernel) for shape, width in zip(student_shapes, widths, strict=True)]
        self.paraphrasers = [_paraphraser(shape, width) for shape, width in zip(teacher_shapes, widths, strict=True)]
        self.networks = [*self.translators, *self.paraphrasers]
        for paraphraser in self.paraphrasers:
            paraphraser.trainable = False

    def prepare(self, teacher_features: Sequence[Any]) -> None:
        """Train each paraphraser to give the teacher's features back."""
        for number, (paraphraser, maps) in enumerate(zip(self.paraphrasers, teacher_features, strict=True)):
            paraphraser.trainable = True
            paraphraser.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse", jit_compile=False)
            rng = np.random.default_rng(number)
            batch = min(BATCH, len(maps))
            for _ in range(self.epochs):
                order = rng.permutation(len(maps))
                for start in range(0, len(maps) - batch + 1, batch):
                    # In order of the file, which may be mapped from disk.
                    chosen = np.asarray(maps[np.sort(order[start : start + batch])], np.float32)
                    paraphraser.train_on_batch(chosen, chosen)
            paraphraser.trainable = False

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **_: Any) -> Any:
        """Scalar loss from maps `[batch, height, width, channels]`, after `build` and `prepare`."""
        total = keras.ops.zeros(())
        pairs = zip(self.translators, self.paraphrasers, features(student_outputs), fixed(teacher_outputs), strict=True)
        for translator, paraphraser, student, teacher in pairs:
            encoder = paraphraser.layers[0]
            theirs, ours = matched(keras.ops.stop_gradient(encoder(teacher, training=False)), translator(student, training=True))
            total += keras.ops.mean(keras.ops.absolute(unit(flat(ours)) - unit(flat(theirs))))
        return total


def _translator(shape: Shape, width: int, kernel: int) -> Any:
    """Three convolutions from the student's map to the factor."""
    layers = [keras.Input(shape)]
    for channels in (shape[-1], width, width):
        layers += [keras.layers.Conv2D(channels, kernel, padding="same"), keras.layers.BatchNormalization(), keras.layers.LeakyReLU(LEAK)]
    return keras.Sequential(layers, name="translator")


def _paraphraser(shape: Shape, width: int) -> Any:
    """Encoder from the teacher's map to the factor, decoder back."""
    channels = shape[-1]
    encoder, decoder = [keras.Input(shape)], [keras.Input((*shape[:2], width))]
    for size in (channels, width, width):
        encoder += [keras.layers.Conv2D(size, 3, padding="same"), keras.layers.LeakyReLU(LEAK)]
    for size in (width, channels, channels):
        decoder += [keras.layers.Conv2DTranspose(size, 3, padding="same"), keras.layers.LeakyReLU(LEAK)]
    halves = [keras.Sequential(encoder, name="encoder"), keras.Sequential(decoder, name="decoder")]
    return keras.Sequential([keras.Input(shape), *halves], name="paraphraser")
