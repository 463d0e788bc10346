"""What a distillation loss is: Keras's own interface, with helper networks and features by pair of layers.

A loss compares what teacher and student give for the same batch. Response losses take logits; feature and relation losses
take features: one array for each pair of layers that the recipe names. Helper networks (regressors, projections, memory
banks) belong to the loss: they are trained beside the student, saved in its checkpoints and never part of the student.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from tinykd.distill.keras_modules import keras as _keras
from tinykd.errors import UsageError
from tinykd.recipe.losses.loss import Compares

keras = _keras()

Shape = tuple[int, ...]
"""Of one sample's output: `(classes,)`, `(width,)`, or `(height, width, channels)`."""


class Loss(keras.distillation.DistillationLoss):  # type: ignore[misc,name-defined]
    """One term of what the student minimises.

    Attributes:
        compares: `logits`, `features` of matched layers, or the `models` themselves.
        samples: Training samples, for losses that remember each (set before `build`); None where nobody said.
        teacher_layer_name, student_layer_name: where Keras's own `Distiller` takes a single pair of features; None for logits.
        networks: the helper networks, built Keras layers or models; made in `build` or `attach`.
    """

    compares: ClassVar[Compares] = "logits"
    samples: int | None = None
    teacher_layer_name: str | None = None
    student_layer_name: str | None = None
    networks: Sequence[Any] = ()

    def build(self, teacher_shapes: Sequence[Shape], student_shapes: Sequence[Shape]) -> None:
        """Make the helper networks, once the widths are known. A loss without any does nothing.

        Args:
            teacher_shapes, student_shapes: of one sample, one a pair of layers; of the logits for a response loss.
        """

    def attach(self, student: Any, teacher: Any, pairs: Sequence[tuple[str, str]]) -> None:
        """Make the helper networks of losses that compare weights: called once after `build`. Most losses do nothing.

        Args:
            student, teacher: the models; None where only outputs are at hand.
            pairs: (student layer, teacher layer).
        """

    def prepare(self, teacher_features: Sequence[Any]) -> None:
        """Train helper networks that the teacher alone determines: called once after `build`, before the student's training.

        Args:
            teacher_features: of the training split, one array `[samples, ...]` a pair, sliceable, perhaps larger than memory.
        """

    @property
    def trainable_variables(self) -> list[Any]:
        """Of the helper networks, trained with the student's optimizer."""
        return [variable for network in self.networks for variable in network.trainable_variables]

    @property
    def variables(self) -> list[Any]:
        """All that a checkpoint must hold beyond the student: trainable ones, then moving averages and memory banks."""
        return self.trainable_variables + [variable for network in self.networks for variable in network.non_trainable_variables]

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **context: Any) -> Any:
        """The loss of one batch, a scalar, mean over the batch.

        Args:
            teacher_outputs, student_outputs: logits `[batch, classes]`, or features: one array `[batch, height, width, channels]`
                or `[batch, width]` a pair, as a sequence, or bare where there is one pair. No gradient reaches the teacher's.
            context: what some losses need beside: see `Context`.
        """
        raise NotImplementedError


Context = Mapping[str, Any]
"""What `compute_loss` may be given by name. A loss that needs one says so and refuses to run without it.

    labels   int [batch]
    index    int [batch], positions in the training split
    epoch    float, epochs finished, fractions of the running one included
    inputs   [batch, ...]
    student, teacher   the models themselves
"""


def features(outputs: Any) -> list[Any]:
    """Features as a list of float32 tensors, whether one came bare or several in a sequence."""
    listed = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    return [keras.ops.cast(one, "float32") for one in listed]


def fixed(outputs: Any) -> list[Any]:
    """The teacher's features as `features`, cut off from its gradients."""
    return [keras.ops.stop_gradient(one) for one in features(outputs)]


def needed(context: Mapping[str, Any], key: str, loss: str) -> Any:
    """`context[key]`.

    Raises:
        UsageError: it is not there.
    """
    if context.get(key) is None:
        raise UsageError(f"{loss} needs {key}, which this training does not give", f"pass {key} to compute_loss, or leave {loss} out")
    return context[key]
