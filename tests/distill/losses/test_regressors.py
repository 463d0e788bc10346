"""Regressors are 1x1 convolutions on maps and dense layers on vectors."""

from __future__ import annotations

import numpy as np
import pytest

from tests.distill.losses.batches import normal
from tinykd.distill.keras_modules import keras
from tinykd.distill.losses.regressors import regressed, regressors
from tinykd.errors import UnsupportedModel

pytestmark = pytest.mark.train


def test_on_maps_it_is_a_1x1_convolution() -> None:
    (layer,) = regressors([(2, 2, 5)], [(4, 4, 3)])
    layer.bias.assign(normal(5))
    convolution = keras().layers.Conv2D(5, 1)
    convolution.build((None, 4, 4, 3))
    convolution.set_weights([np.asarray(layer.kernel)[None, None], np.asarray(layer.bias)])
    student, teacher = normal(2, 4, 4, 3), normal(2, 2, 2, 5)
    (mapped,) = regressed([layer], [student], [teacher])
    np.testing.assert_allclose(mapped, convolution(student), atol=1e-5)


def test_on_vectors_it_is_affine() -> None:
    (layer,) = regressors([(5,)], [(3,)])
    student = normal(2, 3)
    (mapped,) = regressed([layer], [student], [normal(2, 5)])
    np.testing.assert_allclose(mapped, student @ np.asarray(layer.kernel) + np.asarray(layer.bias), atol=1e-6)


def test_without_regressors_widths_must_agree() -> None:
    same = normal(2, 3)
    assert regressed([], [same], [normal(2, 3)])[0] is same
    with pytest.raises(UnsupportedModel, match=r"3 channels.*5") as refused:
        regressed([], [same], [normal(2, 5)])
    assert "build" in refused.value.hint


def test_they_compute_in_float32_under_mixed_precision() -> None:
    policy = keras().config.dtype_policy()
    keras().config.set_dtype_policy("mixed_float16")
    try:
        (layer,) = regressors([(5,)], [(3,)])
    finally:
        keras().config.set_dtype_policy(policy)
    assert layer(normal(2, 3)).dtype == "float32"
