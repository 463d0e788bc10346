"""What tests of losses ask of gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.distill.keras_modules import tensorflow

Feature = NDArray[np.float32]


def normal(*shapes: tuple[int, ...], seed: int = 0) -> list[Feature]:
    """Normally distributed features, one a shape."""
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(np.float32) for shape in shapes]


def student_gradient(compute: Callable[[Sequence[Any]], Any], students: Sequence[Feature]) -> list[Feature]:
    """Of `compute(students)`, for each of `students`."""
    tf = tensorflow()
    variables = [tf.Variable(student) for student in students]
    with tf.GradientTape() as tape:
        loss = compute([variable.value() for variable in variables])
    return [tf.convert_to_tensor(gradient).numpy() for gradient in tape.gradient(loss, variables)]


def teacher_gradients(compute: Callable[[Sequence[Any]], Any], teachers: Sequence[Feature]) -> list[Any]:
    """Of `compute(teachers)`, for each of `teachers`: None where nothing flows."""
    tf = tensorflow()
    variables = [tf.Variable(teacher) for teacher in teachers]
    with tf.GradientTape() as tape:
        loss = compute([variable.value() for variable in variables])
    return list(tape.gradient(loss, variables))


def slope(
    compute: Callable[[Sequence[Feature]], float], students: Sequence[Feature], step: float = 1e-2, seed: int = 1
) -> tuple[float, float]:
    """Along a random direction: what the gradient says, and the central difference, which knows no gradient."""
    directions = normal(*(student.shape for student in students), seed=seed)
    gradients = student_gradient(compute, students)
    said = sum(float(np.vdot(gradient, direction)) for gradient, direction in zip(gradients, directions, strict=True))
    ahead, behind = (
        float(compute([student + np.float32(sign * step) * direction for student, direction in zip(students, directions, strict=True)]))
        for sign in (1, -1)
    )
    return said, (ahead - behind) / (2 * step)
