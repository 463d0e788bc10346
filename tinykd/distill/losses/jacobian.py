"""Gradient attention: Zagoruyko and Komodakis 2017, "Paying More Attention to Attention", section 3.2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.keras_modules import tensorflow
from tinykd.distill.losses.loss import Loss, needed
from tinykd.distill.losses.sizes import flat
from tinykd.distill.losses.unit import unit
from tinykd.distill.tap import LOGITS
from tinykd.distill.trainable import Trainable
from tinykd.errors import RecipeError, UsageError
from tinykd.recipe.losses.loss import Compares

keras = _keras()


class Jacobian(Loss):
    """`‖J_s - J_t‖^2`, `J = dCE/dx` of each sample; mean over the batch.

    How the label's cross-entropy changes with each input value; student and teacher see the same inputs. With `attention` the maps
    `A(J) = mean over channels of |J|`, scaled to length 1, are compared: mean over positions of `(A_s - A_t)^2`.

    Both networks run once more each step, in inference mode: the student's batch statistics are not counted twice, nor does dropout
    draw twice. The student's gradient is differentiated again. Both must return logits.

    Args:
        form: `gradient`, or `attention`.
    """

    compares: ClassVar[Compares] = "models"

    def __init__(self, form: Literal["gradient", "attention"] = "gradient") -> None:
        self.form = form

    def attach(self, student: Any, teacher: Any, pairs: Sequence[tuple[str, str]]) -> None:  # noqa: ARG002
        """Refuse a teacher that has no gradient.

        Raises:
            RecipeError: there is no teacher model.
        """
        if teacher is None:
            raise RecipeError("jacobian needs the teacher's gradient, and it is not a Keras model", "give a Keras teacher (.keras, .h5)")

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **context: Any) -> Any:  # noqa: ARG002
        """Scalar loss from `inputs`, `labels`, `student` and `teacher` of the context. Outputs are not looked at.

        Raises:
            UsageError: one of these is missing.
        """
        inputs, labels, student, teacher = (needed(context, key, "jacobian") for key in ("inputs", "labels", "student", "teacher"))
        theirs, ours = keras.ops.stop_gradient(input_gradient(teacher, inputs, labels)), input_gradient(student, inputs, labels)
        return DIFFERENCES[self.form](ours, theirs)


def _gradient(ours: Any, theirs: Any) -> Any:
    return keras.ops.mean(keras.ops.sum(keras.ops.square(flat(ours) - flat(theirs)), axis=-1))


def _attention(ours: Any, theirs: Any) -> Any:
    mine, yours = (unit(flat(_size(one))) for one in (ours, theirs))
    return keras.ops.mean(keras.ops.square(mine - yours))


def _size(gradient: Any) -> Any:
    """Of each input value, for maps the mean over channels."""
    sizes = keras.ops.absolute(gradient)
    return sizes if len(sizes.shape) == 2 else keras.ops.mean(sizes, axis=-1)


#: How gradients are compared.
DIFFERENCES = {"gradient": _gradient, "attention": _attention}


def input_gradient(model: Any, inputs: Any, labels: Any) -> Any:
    """`dCE/dx` of each sample, `[batch, ...]` as `inputs`; `model` runs in inference mode.

    Raises:
        UsageError: Keras runs on a backend without an entry in `GRADIENTS`.
    """
    backend = keras.backend.backend()
    if backend not in GRADIENTS:
        raise UsageError(f"jacobian has no gradient on the backend {backend}", f"it has on {', '.join(GRADIENTS)}")
    return GRADIENTS[backend](model, inputs, labels)


def _on_tensorflow(model: Any, inputs: Any, labels: Any) -> Any:
    tf = tensorflow()
    x = tf.convert_to_tensor(inputs)
    with tf.GradientTape() as tape:
        tape.watch(x)
        # A quantized network answers in integers when it is called, which have no gradient; its layers it gives with one.
        logits = model.tapped(x)[LOGITS] if isinstance(model, Trainable) else model(x, training=False)
        # The sum over the batch: each sample's gradient is its own, whatever the batch.
        cross_entropy = tf.reduce_sum(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
    return tape.gradient(cross_entropy, x)


#: A gradient is the one thing that keras.ops does not have.
GRADIENTS = {"tensorflow": _on_tensorflow}
