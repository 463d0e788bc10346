"""Intermediate weights: the student's kernels against a learned projection of the teacher's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.loss import Loss, needed
from tinykd.errors import RecipeError, UsageError
from tinykd.recipe.losses.loss import Compares

keras = _keras()

#: What tensorflow-model-optimization puts before the name of a layer that it wraps.
QUANTIZED = "quant_"


class Weights(Loss):
    """`mean (W_s - P(W_t))^2` over the kernel's entries, summed over pairs of layers.

    Kernels are taken as `[taps, inputs, outputs]` (a dense layer has one tap). `P` is a learned linear map along each of the three
    axes, `P(W)[p, i, o] = sum_qjr A[p, q] B[i, j] C[o, r] W[q, j, r]`; it begins as the identity along axes of one length. One full
    matrix would fit any student's kernel whatever the teacher's. A layer without a kernel stands for the last one before it that has
    one. The loss looks at no features, and so costs nothing a sample.
    """

    compares: ClassVar[Compares] = "models"

    def __init__(self) -> None:
        self.layers: list[str] = []
        self.targets: list[Any] = []
        self.projections: list[Any] = []

    def attach(self, student: Any, teacher: Any, pairs: Sequence[tuple[str, str]]) -> None:
        """Copy the teacher's kernels and make the projections.

        Raises:
            RecipeError: there is no teacher model, or no layer with a kernel.
        """
        if teacher is None:
            raise RecipeError("weights compares kernels, and the teacher is not a Keras model", "give a Keras teacher (.keras, .h5)")
        self.layers = [ours for ours, _ in pairs]
        self.targets, self.projections = [], []
        for number, (ours, theirs) in enumerate(pairs):
            target, kernel = (keras.ops.convert_to_numpy(kernel_of(model, name)) for model, name in ((teacher, theirs), (student, ours)))
            self.targets.append(target)
            for axis, (wanted, have) in enumerate(zip(kernel.shape, target.shape, strict=True)):
                start = keras.initializers.Identity() if wanted == have else keras.initializers.GlorotUniform()
                self.projections.append(keras.Variable(start((wanted, have)), name=f"weights_{number}_{axis}"))

    @property
    def trainable_variables(self) -> list[Any]:
        """The projections: of taps, inputs and outputs, pair by pair."""
        return self.projections

    @property
    def variables(self) -> list[Any]:
        """The projections."""
        return self.projections

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **context: Any) -> Any:  # noqa: ARG002
        """Scalar loss from the `student` of the context: a model with the layers that `attach` was given. Outputs are not looked at.

        Raises:
            UsageError: no student, or `attach` was not called.
        """
        student = needed(context, "student", "weights")
        if not self.targets:
            raise UsageError("weights has no projections yet", "call attach before training")
        total = keras.ops.zeros(())
        for number, (layer, target) in enumerate(zip(self.layers, self.targets, strict=True)):
            taps, inputs, outputs = self.projections[3 * number : 3 * number + 3]
            projected = keras.ops.einsum("pq,qjr->pjr", taps, target)
            projected = keras.ops.einsum("or,pjr->pjo", outputs, projected)
            projected = keras.ops.einsum("ij,pjo->pio", inputs, projected)
            total += keras.ops.mean(keras.ops.square(kernel_of(student, layer) - projected))
        return total


def kernel_of(model: Any, layer: str) -> Any:
    """The kernel `[taps, inputs, outputs]` of this layer of a model, or of the last one before it that has a kernel.

    Raises:
        RecipeError: no such layer, or none with a kernel up to there.
    """
    names = [one.name.removeprefix(QUANTIZED) for one in model.layers]
    if layer not in names:
        raise RecipeError(f"{model.name} has no layer {layer}", f"its layers: {', '.join(names[:16])}")
    for one in reversed(model.layers[: names.index(layer) + 1]):
        for variable in one.weights:
            if len(variable.shape) >= 2:
                kernel = keras.ops.cast(keras.ops.convert_to_tensor(variable), "float32")
                return keras.ops.reshape(kernel, (-1, *variable.shape[-2:]))
    raise RecipeError(f"{model.name} has no kernel up to its layer {layer}", "name convolutional or dense layers in pairs")
