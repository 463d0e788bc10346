"""Any folder of `.wav` recordings, one sub-folder a class, as log-mel features."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tinykd.data.class_folders import Listing, class_folders
from tinykd.data.local import own_path
from tinykd.data.log_mel import log_mel
from tinykd.data.source import Array, Source
from tinykd.errors import DataError
from tinykd.recipe.model import Data, LogMel

#: Bytes a sample -> dtype and the value of full scale. 8-bit PCM alone is unsigned; 24-bit is widened by hand.
PCM: dict[int, tuple[str, float]] = {1: ("u1", 128.0), 2: ("<i2", 32768.0), 3: ("<i4", 2147483648.0), 4: ("<i4", 2147483648.0)}


def wav(data: Data, data_dir: Path | None) -> Source:
    """[recordings, frames, mel_bins, 1], log-mel features as `data.log_mel` says.

    Raises:
        DataError: no such folder, an unreadable recording, or one at another sample rate.
    """
    folders = class_folders(own_path(data, data_dir), (".wav",))

    def features(listing: Listing | None) -> Array | None:
        return None if listing is None else log_mel(read_clips(listing.files, data.log_mel), data.log_mel)

    train = features(folders.train)
    assert train is not None
    return Source(
        train,
        folders.train.y,
        features(folders.test),
        None if folders.test is None else folders.test.y,
        folders.class_names,
        f"log-mel {data.log_mel.model_dump_json()}",
        features(folders.validation),
        None if folders.validation is None else folders.validation.y,
    )


def read_clips(files: Sequence[Path], params: LogMel) -> npt.NDArray[np.float32]:
    """float32 [files, clip_length] in [-1, 1): shorter recordings end in zeros, longer ones are cut.

    Raises:
        DataError: an unreadable recording, or one at another sample rate.
    """
    clips = np.zeros((len(files), params.clip_length), np.float32)
    for row, file in zip(clips, files, strict=True):
        samples = read_wav(file, params.sample_rate)[: params.clip_length]
        row[: len(samples)] = samples
    return clips


def read_wav(file: Path, sample_rate: int) -> npt.NDArray[np.float32]:
    """float32 [samples] in [-1, 1); channels are averaged. Linear PCM of 8, 16, 24 or 32 bits.

    Raises:
        DataError: not such a file, empty, or at another sample rate.
    """
    try:
        with file.open("rb") as stream, wave.open(stream) as recording:
            rate, width, channels = recording.getframerate(), recording.getsampwidth(), recording.getnchannels()
            # The header may promise more than the file holds: at most the file's own bytes are read.
            raw = recording.readframes(min(recording.getnframes(), file.stat().st_size))
    except (OSError, EOFError, ValueError, ArithmeticError, RuntimeError, wave.Error) as error:
        reason = str(error) or "it ends inside its header"
        raise DataError(
            f"{file} is not a linear PCM recording: {reason}", "convert it to 16-bit PCM, for example with sox or ffmpeg"
        ) from None
    if rate != sample_rate:
        raise DataError(
            f"{file} has {rate} samples a second; data.log_mel.sample_rate is {sample_rate}",
            f"resample the recordings, or set sample_rate = {rate} and adapt the lengths",
        )
    if width not in PCM:
        raise DataError(f"{file} has {8 * width} bits a sample", "convert it to 8, 16, 24 or 32-bit PCM")
    raw = raw[: len(raw) - len(raw) % (width * channels)]
    if not raw:
        raise DataError(f"{file} holds no samples", "remove it")
    dtype, full_scale = PCM[width]
    if width == 3:
        widened = np.zeros((len(raw) // 3, 4), np.uint8)  # little-endian: three bytes above a zero one
        widened[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
        raw = widened.tobytes()
    samples = np.frombuffer(raw, dtype).astype(np.float64)
    if width == 1:
        samples -= full_scale
    mono: npt.NDArray[np.float32] = (samples / full_scale).reshape(-1, channels).mean(axis=1).astype(np.float32)
    return mono
