"""Re-estimated statistics equal the mean of the batches' statistics, computed by NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from tinykd.distill.batch_norm import BATCH_SAMPLES, reestimate_batch_norm
from tinykd.distill.keras_modules import keras, tf_keras

pytestmark = pytest.mark.train


@pytest.mark.parametrize("module", [keras, tf_keras])
def test_statistics_are_those_of_the_training_samples(module: object) -> None:
    library = module()  # type: ignore[operator]
    norm = library.layers.BatchNormalization(momentum=0.99)
    model = library.Sequential([library.Input((3,)), norm])
    x = np.random.default_rng(0).normal(5.0, 2.0, (2 * BATCH_SAMPLES, 3)).astype(np.float32)
    x[:, 1] *= 10
    reestimate_batch_norm(model, x)
    batches = (x[0::2], x[1::2])
    np.testing.assert_allclose(norm.moving_mean.numpy(), np.mean([b.mean(axis=0) for b in batches], axis=0), rtol=1e-4)
    np.testing.assert_allclose(norm.moving_variance.numpy(), np.mean([b.var(axis=0) for b in batches], axis=0), rtol=1e-2)
    assert norm.momentum == 0.99


def test_a_network_without_batch_norm_is_left_alone() -> None:
    library = keras()
    model = library.Sequential([library.Input((3,)), library.layers.Dense(2)])
    before = [w.copy() for w in model.get_weights()]
    reestimate_batch_norm(model, np.ones((4, 3), np.float32))
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
