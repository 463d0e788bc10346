"""What response losses see: the logits of both networks."""

from __future__ import annotations

from typing import Any

from tinykd.distill.keras_modules import keras as _keras

keras = _keras()


def both_logits(teacher_outputs: Any, student_outputs: Any) -> tuple[Any, Any]:
    """Logits `[batch, classes]` of teacher and student as float32 tensors, the teacher's cut off from its gradients."""
    teacher, student = (keras.ops.cast(keras.ops.convert_to_tensor(outputs), "float32") for outputs in (teacher_outputs, student_outputs))
    return keras.ops.stop_gradient(teacher), student
