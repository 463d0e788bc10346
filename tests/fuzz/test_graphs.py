"""Random Keras and TensorFlow networks, converted to int8 with scales that saturate: every tensor equals LiteRT's.

TINYKD_FUZZ_GRAPHS says how many, TINYKD_FUZZ_SEED where the numbering starts. A failure names its seed:
`converted.convert(seed)` gives the model again.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.fuzz.converted import convert_all, inputs_of
from tests.fuzz.differential import Subject, c_differences, numpy_differences, subject
from tinykd.compile.reader import read_model
from tinykd.errors import TinykdError

GRAPHS = int(os.environ.get("TINYKD_FUZZ_GRAPHS", "25"))
FIRST = int(os.environ.get("TINYKD_FUZZ_SEED", "0"))
BATCH = 25

HONEST = (
    "LiteRT cannot load the model",  # TensorFlow's converter writes operator versions that the judge does not know yet
    "beyond 32 bits",  # an output calibrated on zeros alone: LiteRT's accumulator overflows there
    "is too fine for input scales",  # LiteRT's own kernel stops the process there
    "rounds differently in float64 than with any 31-bit",  # a scale so fine that only the double mode has a multiplier
    "times finer than the input's",
    "has the scale",  # calibrated on values beyond float32's reach
    "is not among the",  # an operator outside the table
    "is not compiled",  # one left out on purpose, with the reason
    "is float32, the kernel takes",  # the converter left it in float
)
"""Refusals that are no defect; any other reason fails the test."""

pytestmark = pytest.mark.train


def compiled(seed: int, model: bytes) -> Subject:
    graph = read_model(model)
    return subject(f"m{seed}", model, inputs_of(graph, seed))


@pytest.mark.parametrize("start", range(FIRST, FIRST + GRAPHS, BATCH))
def test_converted_networks_equal_litert(start: int, tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    subjects: list[Subject] = []
    skipped: Counter[str] = Counter()
    dishonest: list[str] = []
    seeds = range(start, min(start + BATCH, FIRST + GRAPHS))
    for seed, model in convert_all(seeds, tmp_path).items():
        if isinstance(model, str):
            skipped[model] += 1
            continue
        try:
            subjects.append(compiled(seed, model))
        except TinykdError as refusal:
            skipped[refusal.message] += 1
            if not any(reason in refusal.message for reason in HONEST):
                dishonest.append(f"seed {seed}: {refusal.message}")
    different = [difference for one in subjects for difference in numpy_differences(one)] + c_differences(subjects, tmp_path)
    print(f"{len(subjects)} compared, {sum(skipped.values())} skipped: {dict(skipped)} {dishonest} {different[:5]}")  # noqa: T201
    assert dishonest == []
    assert different == []
    assert 2 * len(subjects) > len(seeds), f"more than half is skipped: {skipped}"
