"""Recurrent students go the converter's way: unrolled, calibrated, integers only."""

from __future__ import annotations

import numpy as np
import pytest

from tinykd.distill.evaluation import predictor
from tinykd.distill.keras_modules import keras
from tinykd.quantize.integers import TfliteModel
from tinykd.quantize.native.engine import NativeEngine
from tinykd.recipe.model import Net, Quantize

pytestmark = pytest.mark.train

X = np.random.default_rng(0).uniform(-1, 1, (64, 6, 4)).astype(np.float32)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_a_recurrent_student_becomes_integers(kind: str) -> None:
    k = keras()
    k.utils.set_random_seed(1)
    inputs = k.Input((6, 4))
    model = k.Model(inputs, k.layers.Dense(3)(getattr(k.layers, kind)(5, name="memory")(inputs)))
    engine = NativeEngine(Quantize(engine="native"))
    network = engine.prepare(model, Net(), X, 1)
    expected = np.asarray(model(X))
    np.testing.assert_allclose(predictor(network)(X), expected, atol=1e-5)
    assert network.tapped(X[:2], training=True)["memory"].shape == (2, 5)
    answers = TfliteModel(engine.convert(network)).real_outputs(X)
    # Six steps of rounding state: a few steps of the output, not more.
    assert np.corrcoef(answers.ravel(), expected.ravel())[0, 1] > 0.995
    assert engine.errors(network, X) == ()
