"""Free Spoken Digit Dataset (Jackson 2016, CC BY-SA 4.0): 3,000 recordings of ten digits by six speakers at 8 kHz."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from tinykd.data.archive import read_npz, require
from tinykd.data.local import local_file
from tinykd.data.log_mel import log_mel
from tinykd.data.source import Array, Source
from tinykd.data.wav import read_clips
from tinykd.errors import DataError
from tinykd.recipe.model import Data, LogMel

CLASSES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
ARRAYS = ("x_train", "y_train", "x_test", "y_test")
SAMPLE_RATE = 8000
RECORDING = re.compile(r"([0-9])_[a-z]+_([0-9]+)\.wav")
#: The data set's own split: recordings 0 to 4 of each speaker and digit are for testing.
TEST_RECORDINGS = 5


def spoken_digits(data: Data, data_dir: Path | None) -> Source:
    """[2700 + 300, frames, mel_bins, 1], log-mel features.

    From `spoken_digits.npz` (x_train, x_test: int16 waveforms [recordings, samples] at 8 kHz) or from the folder
    `recordings` of the data set itself (DIGIT_SPEAKER_INDEX.wav).

    Raises:
        DataError: neither is there, or they are damaged.
    """
    if data.log_mel.sample_rate != SAMPLE_RATE:
        raise DataError(
            f"spoken_digits has {SAMPLE_RATE} samples a second; data.log_mel.sample_rate is {data.log_mel.sample_rate}",
            f"set data.log_mel.sample_rate = {SAMPLE_RATE}",
        )
    path = local_file(data, data_dir, ("spoken_digits.npz", "recordings"))
    if path is None:
        raise DataError(
            "spoken_digits is not here",
            "git clone the repository Jakobovski/free-spoken-digit-dataset from GitHub and pass --data-dir free-spoken-digit-dataset",
        )
    if path.is_dir():
        train, y, test, y_test = _recordings(path, data.log_mel)
    else:
        arrays = read_npz(path, ARRAYS)
        require(arrays, ARRAYS, path)
        train, test = (_clips(arrays[name], name, path, data.log_mel) for name in ("x_train", "x_test"))
        y, y_test = arrays["y_train"], arrays["y_test"]
    preprocessing = f"log-mel {data.log_mel.model_dump_json()}"
    return Source(log_mel(train, data.log_mel), y, log_mel(test, data.log_mel), y_test, CLASSES, preprocessing)


def _clips(waves: Array, name: str, path: Path, params: LogMel) -> Array:
    """int16 [recordings, any length] -> float32 [recordings, clip_length] in [-1, 1)."""
    if waves.dtype != np.int16 or waves.ndim != 2:
        raise DataError(
            f"{path}: {name} is {waves.dtype} {list(waves.shape)}, not int16 [recordings, samples]", "store the waveforms as int16"
        )
    clips = np.zeros((len(waves), params.clip_length), np.float32)
    kept = min(params.clip_length, waves.shape[1])
    clips[:, :kept] = waves[:, :kept] / np.float32(32768)
    return clips


def _recordings(folder: Path, params: LogMel) -> tuple[Array, Array, Array, Array]:
    """Clips and labels of the train split, then of the test split, in the order of names."""
    named = [(file, match) for file in sorted(folder.iterdir()) if (match := RECORDING.fullmatch(file.name))]
    test = [(file, int(match[1])) for file, match in named if int(match[2]) < TEST_RECORDINGS]
    train = [(file, int(match[1])) for file, match in named if int(match[2]) >= TEST_RECORDINGS]
    if not train or not test:
        raise DataError(f"{folder} lacks recordings called DIGIT_SPEAKER_INDEX.wav", "clone the whole data set")
    return (
        read_clips([file for file, _ in train], params),
        np.array([label for _, label in train], np.int64),
        read_clips([file for file, _ in test], params),
        np.array([label for _, label in test], np.int64),
    )
