"""Log-mel features against sums written out: no FFT, no matrix of weights."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tinykd.data.log_mel import hann, log_mel, mel_weights
from tinykd.errors import RecipeError
from tinykd.recipe.model import LogMel

PARAMS = LogMel(
    sample_rate=1000,
    clip_length=50,
    frame_length=20,
    frame_step=7,
    fft_length=32,
    mel_bins=4,
    lower_hertz=30.0,
    upper_hertz=480.0,
    log_floor=1e-5,
    log_range=8.0,
)


def written_out(wave: np.ndarray, params: LogMel) -> list[list[float]]:
    """[frames][mel_bins], by the formulas of the module's docstring, one number at a time."""

    def mel(hertz: float) -> float:
        return 2595 * math.log10(1 + hertz / 700)

    low, high, bands = mel(params.lower_hertz), mel(params.upper_hertz), params.mel_bins
    edges = [low + (high - low) * i / (bands + 1) for i in range(bands + 2)]
    window = [0.5 - 0.5 * math.cos(2 * math.pi * n / params.frame_length) for n in range(params.frame_length)]
    features = []
    for start in range(0, len(wave) - params.frame_length + 1, params.frame_step):
        power = []
        for k in range(params.fft_length // 2 + 1):
            terms = [w * float(wave[start + n]) for n, w in enumerate(window)]
            angles = [2 * math.pi * k * n / params.fft_length for n in range(params.frame_length)]
            real = sum(t * math.cos(a) for t, a in zip(terms, angles))
            imaginary = sum(t * math.sin(a) for t, a in zip(terms, angles))
            power.append((real**2 + imaginary**2) / sum(window) ** 2)
        row = []
        for band in range(bands):
            left, middle, right = edges[band : band + 3]
            total = 0.0
            for k, p in enumerate(power):
                m = mel(k * params.sample_rate / params.fft_length)
                if left < m <= middle:
                    total += p * (m - left) / (middle - left)
                elif middle < m < right:
                    total += p * (right - m) / (right - middle)
            row.append(math.log((total + params.log_floor) / params.log_floor) / params.log_range)
        features.append(row)
    return features


def test_features_equal_the_sums_written_out() -> None:
    rng = np.random.default_rng(0)
    waves = rng.uniform(-1, 1, (3, 50)).astype(np.float32)
    waves[1] *= 1e-3
    features = log_mel(waves, PARAMS)
    assert features.shape == (3, 5, 4, 1)
    assert features.dtype == np.float32
    expected = np.array([written_out(wave, PARAMS) for wave in waves])
    np.testing.assert_allclose(features[..., 0], expected, rtol=1e-6, atol=1e-7)


def test_more_clips_than_a_block_are_each_transformed_alone() -> None:
    waves = np.random.default_rng(1).uniform(-1, 1, (70, 50))
    together = log_mel(waves, PARAMS)
    assert together.tolist() == np.concatenate([log_mel(wave[None], PARAMS) for wave in waves]).tolist()


def test_silence_is_exactly_zero() -> None:
    assert not log_mel(np.zeros((2, 8000)), LogMel()).any()


def test_default_shape_and_range_of_loud_sound() -> None:
    seconds = np.arange(8000) / 8000
    features = log_mel(np.sin(2 * np.pi * 1000 * seconds)[None], LogMel())[0, :, :, 0]
    assert features.shape == (49, 40)
    # The loudest band is the one whose triangle peaks nearest to 1000 Hz, by the mel formula and by hand:
    # mel(20) = 31.75, mel(1000) = 999.99, mel(4000) = 2146.06; 41 steps of 51.57: (999.99 - 31.75) / 51.57 - 1 = 17.8.
    assert set(features.argmax(axis=1)) == {18}
    # All bins together hold fft_length sum(w^2) / 4 / sum(w)^2 = 512 * 120 / 4 / 160^2 = 0.6 (Parseval), the middle one 0.25.
    assert np.log(0.25 * 0.8 / 1e-8) / 16 < features.max() < np.log(0.6 / 1e-8) / 16


def test_window_is_the_periodic_hann_of_scipy() -> None:
    windows = pytest.importorskip("scipy.signal.windows")
    np.testing.assert_allclose(hann(320), windows.hann(320, sym=False), atol=1e-15)


def test_band_without_a_bin_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"band 0 \(20 to .* Hz\) holds no DFT bin; they lie 125 Hz apart"):
        mel_weights(LogMel(fft_length=64, frame_length=64))
