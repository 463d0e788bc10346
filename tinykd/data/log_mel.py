"""Log-mel front end in NumPy: the sound features that the firmware computes too.

For each frame of `frame_length` samples in [-1, 1), `frame_step` apart (no padding at the ends):

1. window: periodic Hann, w[n] = 0.5 - 0.5 cos(2 pi n / frame_length), then zeros up to `fft_length`
2. power[k] = |DFT(w x)[k]|^2 / (sum w)^2, so that a sine of amplitude a peaks at a^2 / 4 whatever the lengths are
3. mel[b] = sum_k weight[k, b] power[k]; triangles equally spaced and linear on the HTK mel scale,
   mel(f) = 2595 log10(1 + f / 700), with unit peaks (HTK Book, section 5.4)
4. feature = (ln(mel + log_floor) - ln(log_floor)) / log_range

Step 4 is the whole normalization: constants of the recipe, not statistics of a training split, so that nothing but the
recipe is needed to repeat it on a device. Digital silence is exactly 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tinykd.errors import RecipeError
from tinykd.recipe.model import LogMel

#: Clips transformed in one step, to bound memory: 64 clips of 49 windows of 512 doubles are 13 MB.
BLOCK = 64


def log_mel(waves: npt.NDArray[Any], params: LogMel) -> npt.NDArray[np.float32]:
    """Features of clips of equal length.

    Args:
        waves: [clips, samples], floating point in [-1, 1); at least `frame_length` samples.
        params: The recipe's `data.log_mel`.

    Returns:
        float32 [clips, frames, mel_bins, 1], frames = 1 + (samples - frame_length) // frame_step.

    Raises:
        RecipeError: a mel band so narrow that no DFT bin falls into it.
    """
    window = hann(params.frame_length)
    weights = mel_weights(params)
    frames = 1 + (waves.shape[1] - params.frame_length) // params.frame_step
    features = np.empty((len(waves), frames, params.mel_bins, 1), np.float32)
    gain = 1.0 / window.sum() ** 2
    for start in range(0, len(waves), BLOCK):
        block = waves[start : start + BLOCK].astype(np.float64)
        framed = np.lib.stride_tricks.sliding_window_view(block, params.frame_length, axis=1)[:, :: params.frame_step]
        spectrum = np.fft.rfft(framed * window, params.fft_length)
        power = (spectrum.real**2 + spectrum.imag**2) * gain
        mel = power @ weights
        features[start : start + BLOCK, ..., 0] = (np.log(mel + params.log_floor) - np.log(params.log_floor)) / params.log_range
    return features


def hann(length: int) -> npt.NDArray[np.float64]:
    """[length], the periodic Hann window."""
    window: npt.NDArray[np.float64] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    return window


def mel_weights(params: LogMel) -> npt.NDArray[np.float64]:
    """[fft_length // 2 + 1, mel_bins]: the share of each DFT bin in each band.

    Raises:
        RecipeError: a band without a DFT bin.
    """
    bins = _mel(np.arange(params.fft_length // 2 + 1) * (params.sample_rate / params.fft_length))[:, np.newaxis]
    edges = np.linspace(_mel(np.float64(params.lower_hertz)), _mel(np.float64(params.upper_hertz)), params.mel_bins + 2)
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    weights: npt.NDArray[np.float64] = np.maximum(0.0, np.minimum((bins - lower) / (centre - lower), (upper - bins) / (upper - centre)))
    empty = np.flatnonzero(weights.sum(axis=0) == 0)
    if len(empty):
        band = int(empty[0])
        raise RecipeError(
            f"data.log_mel: band {band} ({_hertz(lower[band]):.0f} to {_hertz(upper[band]):.0f} Hz) holds no DFT bin; "
            f"they lie {params.sample_rate / params.fft_length:g} Hz apart",
            "raise data.log_mel.fft_length or lower data.log_mel.mel_bins",
        )
    return weights


def _mel(hertz: Any) -> Any:
    return 2595.0 * np.log10(1.0 + hertz / 700.0)


def _hertz(mel: Any) -> Any:
    return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
