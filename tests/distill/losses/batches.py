"""Random logits and features, and what the tests ask of a loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.distill.keras_modules import tensorflow

Array = NDArray[np.float32]


def normal(*shape: int, seed: int = 0, scale: float = 1.0) -> Array:
    """Normally distributed float32 values of this shape."""
    return np.random.default_rng(seed).normal(0.0, scale, shape).astype(np.float32)


def normals(*shapes: tuple[int, ...], seed: int = 0) -> list[Array]:
    """Normally distributed features, one a shape, all of one stream of numbers."""
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(np.float32) for shape in shapes]


def value(loss: Any, teacher: Any, student: Any, **context: Any) -> float:
    """The loss as a number."""
    return float(loss.compute_loss(teacher, student, **context))


def gradient(loss: Any, teacher: Any, student: Sequence[Array], **context: Any) -> list[Array]:
    """With respect to each of the student's outputs; zeros where there is none."""
    return student_gradient(lambda outputs: loss.compute_loss(teacher, outputs if len(outputs) > 1 else outputs[0], **context), student)


def student_gradient(compute: Callable[[Sequence[Any]], Any], students: Sequence[Array]) -> list[Array]:
    """Of `compute(students)`, for each of `students`; zeros where nothing flows."""
    tf = tensorflow()
    variables = [tf.Variable(student) for student in students]
    with tf.GradientTape() as tape:
        loss = compute([variable.value() for variable in variables])
    return [np.asarray(tf.convert_to_tensor(one)) for one in tape.gradient(loss, variables, unconnected_gradients="zero")]


def teacher_gradients(compute: Callable[[Sequence[Any]], Any], teachers: Sequence[Array]) -> list[Any]:
    """Of `compute(teachers)`, for each of `teachers`: None where nothing flows."""
    tf = tensorflow()
    variables = [tf.Variable(teacher) for teacher in teachers]
    with tf.GradientTape() as tape:
        loss = compute([variable.value() for variable in variables])
    return list(tape.gradient(loss, variables))


def slope(compute: Callable[[Sequence[Array]], float], students: Sequence[Array], step: float = 1e-2, seed: int = 1) -> tuple[float, float]:
    """Along a random direction: what the gradient says, and the central difference, which knows no gradient."""
    directions = normals(*(student.shape for student in students), seed=seed)
    gradients = student_gradient(compute, students)
    said = sum(float(np.vdot(one, direction)) for one, direction in zip(gradients, directions, strict=True))
    ahead, behind = (
        float(compute([student + np.float32(sign * step) * direction for student, direction in zip(students, directions, strict=True)]))
        for sign in (1, -1)
    )
    return said, (ahead - behind) / (2 * step)


def built(loss: Any, teacher: Sequence[Array], student: Sequence[Array]) -> Any:
    """The loss, built for these outputs."""
    loss.build([one.shape[1:] for one in teacher], [one.shape[1:] for one in student])
    return loss
