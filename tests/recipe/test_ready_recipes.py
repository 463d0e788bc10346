"""Recipes for data that is not shipped: what their cards say is done with made-up sound, as a user would."""

from __future__ import annotations

import re
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from tests.deploy.commands import tinykd
from tinykd.resources import models_folder

RATE = 16000
SHORT = ("teacher.knobs.width=4", "student.knobs.width=8", "distill.views=1", "data.augment.shift=1")


def snippet(recipe: str) -> str:
    """The Python on the recipe's card."""
    found = re.findall(r"```python\n(.*?)```", (models_folder() / recipe / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def save(file: Path, hertz: float, seconds: float, seed: int) -> None:
    """A tone in noise, 16 bit."""
    time = np.arange(int(seconds * RATE)) / RATE
    sound = 0.3 * np.sin(2 * np.pi * hertz * time) + 0.02 * np.random.default_rng(seed).standard_normal(len(time))
    file.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(file), "wb") as out:
        out.setparams((1, 2, RATE, 0, "NONE", ""))
        out.writeframes((sound * 32767).clip(-32768, 32767).astype("<i2").tobytes())


def train(recipe: str, folder: Path, *more: str) -> str:
    epochs = [f"{stage}.train.{key}" for stage in ("teacher", "distill", "quantize") for key in ("epochs=2", "batch_size=8")]
    warm = [f"{stage}.train.warmup_epochs=0.0" for stage in ("teacher", "distill")]
    changes = [word for one in (*epochs, *warm, *SHORT, *more) for word in ("--set", one)]
    outcome = tinykd("distill", recipe, "--quiet", *changes, folder=folder)
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout


def python(code: str, folder: Path) -> str:
    outcome = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout


@pytest.mark.slow
def test_keywords_from_the_folders_of_speech_commands(tmp_path: Path) -> None:
    source = tmp_path / "speech_commands"
    lists: dict[str, list[str]] = {"validation": [], "testing": []}
    for number, word in enumerate(["yes", "no", "stop", "bed"]):
        for speaker in range(36 if word == "bed" else 12):
            save(source / word / f"{speaker:02}_nohash_0.wav", 300 * (number + 1), 0.9, speaker)
            if speaker % 6 in (0, 1):
                lists["validation" if speaker % 6 else "testing"].append(f"{word}/{speaker:02}_nohash_0.wav")
    for name in range(3):
        save(source / "_background_noise_" / f"{name}.wav", 50, 5, name)
    for name, files in lists.items():
        (source / f"{name}_list.txt").write_text("\n".join(files) + "\n")
    python(snippet("keywords"), tmp_path)
    sorted_out = {path.parent.relative_to(tmp_path / "keywords").as_posix() for path in (tmp_path / "keywords").glob("*/*/*.wav")}
    assert {"train/yes", "validation/yes", "test/yes", "train/silence", "test/silence"} <= sorted_out
    assert not any("bed" in folder for folder in sorted_out)
    assert len(list((tmp_path / "keywords" / "train" / "yes").iterdir())) == 8
    assert "5 classes" in train("keywords", tmp_path)


@pytest.mark.slow
def test_anomaly_scores_of_the_int8_model(tmp_path: Path) -> None:
    for machine in range(3):
        for clip in range(10):
            save(tmp_path / "machines" / f"id_{machine}" / f"{clip}.wav", 400 * (machine + 1), 10, 100 * machine + clip)
    assert "3 classes" in train("anomaly", tmp_path)
    for clip in range(4):
        save(tmp_path / "test_clips" / f"normal_{clip}.wav", 400, 10, 1000 + clip)
        save(tmp_path / "test_clips" / f"anomaly_{clip}.wav", 1200, 10, 2000 + clip)
    said = re.fullmatch(r"AUC (\d\.\d{3})\n", python(snippet("anomaly"), tmp_path))
    assert said
    assert 0.0 <= float(said[1]) <= 1.0
