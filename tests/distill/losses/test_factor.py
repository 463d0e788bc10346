"""Factor transfer against convolutions by SciPy, and the paraphraser's own training."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from scipy.signal import correlate2d

from tests.distill.losses.batches import normals, student_gradient, teacher_gradients
from tinykd.distill.keras_modules import keras as keras3
from tinykd.distill.losses.factor import Factor
from tinykd.errors import UnsupportedModel

pytestmark = pytest.mark.train


def built(rate: float = 0.5, epochs: int = 0, kernel: Literal[1, 3] = 1) -> Factor:
    keras3().utils.set_random_seed(0)
    loss = Factor(rate, epochs, kernel)
    loss.build([(4, 4, 6)], [(4, 4, 2)])
    return loss


def convolved(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """`[batch, height, width, channels]`, zeros around, channel by channel."""
    out = np.zeros((*x.shape[:3], kernel.shape[-1]))
    for n in range(len(x)):
        for o in range(kernel.shape[-1]):
            out[n, :, :, o] = bias[o] + sum(correlate2d(x[n, :, :, i], kernel[:, :, i, o], mode="same") for i in range(x.shape[-1]))
    return out


def leaky(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, 0.1 * x)


def arrays(network: object) -> list[np.ndarray]:
    return [np.asarray(variable, np.float64) for variable in network.weights]  # type: ignore[attr-defined]


@pytest.mark.parametrize("kernel_side", [1, 3])
def test_against_scipy(kernel_side: Literal[1, 3]) -> None:
    loss, (teacher, student) = built(kernel=kernel_side), normals((3, 4, 4, 6), (3, 4, 4, 2))
    theirs, weights = teacher.astype(np.float64), arrays(loss.paraphrasers[0].layers[0])
    for kernel, bias in zip(weights[::2], weights[1::2]):
        theirs = leaky(convolved(theirs, kernel, bias))
    ours = student.astype(np.float64)
    for layer in range(3):
        kernel, bias = arrays(loss.translators[0].layers[3 * layer])
        assert len(kernel) == kernel_side
        ours = convolved(ours, kernel, bias)
        ours = leaky((ours - ours.mean(axis=(0, 1, 2))) / np.sqrt(ours.var(axis=(0, 1, 2)) + 1e-3))
    assert theirs.shape == ours.shape == (3, 4, 4, 3)
    expected = np.mean([abs(s / np.sqrt((s**2).sum()) - t / np.sqrt((t**2).sum())) for s, t in zip(ours, theirs)])
    assert float(loss.compute_loss(teacher, student)) == pytest.approx(expected, rel=1e-4)


def test_preparing_teaches_the_paraphraser_to_give_features_back() -> None:
    loss, (mixture, basis) = built(rate=0.5, epochs=300), normals((64, 4, 4, 2), (2, 6))
    maps = np.maximum(mixture @ basis, 0).astype(np.float32)  # two numbers a position: a factor of three channels can hold them
    error = [np.mean((np.asarray(loss.paraphrasers[0](maps)) - maps) ** 2)]
    translator = arrays(loss.translators[0])
    loss.prepare([maps])
    error.append(np.mean((np.asarray(loss.paraphrasers[0](maps)) - maps) ** 2))
    assert error[1] < 0.5 * error[0]
    for before, after in zip(translator, arrays(loss.translators[0]), strict=True):
        np.testing.assert_array_equal(before, after)


def test_the_paraphraser_is_kept_but_not_trained_with_the_student() -> None:
    loss = built(epochs=1)
    loss.prepare(normals((8, 4, 4, 6)))
    trained = {id(variable) for variable in loss.trainable_variables}
    assert trained == {id(variable) for translator in loss.translators for variable in translator.trainable_variables}
    kept = {id(variable) for variable in loss.variables}
    assert kept >= {id(variable) for paraphraser in loss.paraphrasers for variable in paraphraser.weights}
    # Order and number do not change by preparing: what was saved before can be loaded after.
    assert [v.shape for v in loss.variables] == [v.shape for v in built().variables]


def test_a_larger_map_is_pooled() -> None:
    keras3().utils.set_random_seed(0)
    loss = Factor()
    loss.build([(2, 2, 6), (4, 2, 3)], [(4, 4, 2), (2, 2, 2)])
    teachers, students = normals((3, 2, 2, 6), (3, 4, 2, 3)), normals((3, 4, 4, 2), (3, 2, 2, 2))
    gradients = student_gradient(lambda s: loss.compute_loss(teachers, s), students)
    assert all(np.abs(gradient).max() > 0 for gradient in gradients)
    assert 0 < float(loss.compute_loss(teachers, students)) < 4


def test_vectors_are_refused() -> None:
    with pytest.raises(UnsupportedModel, match="factor"):
        Factor().build([(6,)], [(4, 4, 2)])


def test_no_gradient_reaches_the_teacher() -> None:
    loss, (teacher, student) = built(), normals((3, 4, 4, 6), (3, 4, 4, 2))
    assert teacher_gradients(lambda t: loss.compute_loss(t[0], student), [teacher]) == [None]
