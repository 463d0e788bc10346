"""Regressors: trained affine maps from the student's width to the teacher's, thrown away after training.

On maps such a layer is a 1x1 convolution, on vectors a dense layer: the same sum over channels, and the same Keras layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.loss import Shape
from tinykd.errors import UnsupportedModel

keras = _keras()


def regressors(teacher_shapes: Sequence[Shape], student_shapes: Sequence[Shape]) -> list[Any]:
    """One built layer a pair.

    Args:
        teacher_shapes, student_shapes: of one sample, channels last: `(height, width, channels)` or `(width,)`.
    """
    layers = []
    for number, (teacher, student) in enumerate(zip(teacher_shapes, student_shapes, strict=True)):
        layer = keras.layers.Dense(teacher[-1], dtype="float32", name=f"regressor_{number}")
        layer.build((None, *student))
        layers.append(layer)
    return layers


def regressed(layers: Sequence[Any], students: Sequence[Any], teachers: Sequence[Any]) -> list[Any]:
    """Each student feature at its teacher's width.

    Args:
        layers: from `regressors`; none (a loss that was not built) lets features of equal width pass as they are.

    Raises:
        UnsupportedModel: no layers, and widths differ.
    """
    if layers:
        return [layer(student) for layer, student in zip(layers, students, strict=True)]
    for student, teacher in zip(students, teachers, strict=True):
        if student.shape[-1] != teacher.shape[-1]:
            raise UnsupportedModel(
                f"the student's layer has {student.shape[-1]} channels, the teacher's {teacher.shape[-1]}, and there is no regressor",
                "call the loss's build(teacher_shapes, student_shapes) before training",
            )
    return list(students)
