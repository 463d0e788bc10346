"""Conformance: every `.tflite` of a folder against its recorded vectors, on the host and in an emulator."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from tinykd.compile.graph import Array, Graph
from tinykd.deploy.export import Exported, export
from tinykd.deploy.inputs import random_inputs
from tinykd.deploy.reference import reference
from tinykd.deploy.source import Source, open_source
from tinykd.deploy.verify import Vectors, check, verify
from tinykd.errors import DataError, IntegersDiffer, OverBudget, TinykdError, UnsupportedModel, UsageError
from tinykd.recipe.model import Export

MOST_ARENA_BYTES = 1 << 20
"""Models that need a larger arena are refused here: no microcontroller of the tool's class holds them."""

RANDOM_SAMPLES = 4


@dataclass(frozen=True)
class Outcome:
    """What became of one model.

    Attributes:
        verdict: `exact` everywhere; honestly `refused`; or a `defect` of tinykd.
        detail: reason, or what was compared.
    """

    name: str
    verdict: Literal["exact", "refused", "defect"]
    detail: str

    def __str__(self) -> str:
        return f"{self.name}: exact ({self.detail})" if self.verdict == "exact" else f"{self.name}: {self.verdict}: {self.detail}"


def conformance(folder: Path, targets: tuple[str, ...] = ("host", "m4")) -> Iterator[Outcome]:
    """Compare every model of `folder`, in the order of names.

    Args:
        folder: `NAME.tflite`, each with `NAME.npz` (`input{k}_{s}`, `output{k}_{s}`) or without.
        targets: on the first, every tensor of every layer is compared; on the others, the outputs.

    Raises:
        UsageError: the folder holds no `.tflite`.
    """
    models = sorted(folder.glob("*.tflite"))
    if not models:
        raise UsageError(f"no .tflite in {folder}", "name a folder of models")
    for path in models:
        yield _outcome(path, targets)


def _outcome(path: Path, targets: tuple[str, ...]) -> Outcome:
    try:
        return Outcome(path.stem, "exact", _compare(path, targets))
    except UnsupportedModel as error:
        return Outcome(path.stem, "refused", _line(error.message))
    except IntegersDiffer as error:
        return Outcome(path.stem, "defect", _line(error.message))
    except TinykdError as error:
        return Outcome(path.stem, "defect", _line(str(error)))
    except Exception as error:  # an unexpected exception is what this command is there to find
        return Outcome(path.stem, "defect", f"{type(error).__name__}: {_line(str(error))}")


def _line(text: str) -> str:
    return " ".join(text.split())[:300]


def _compare(path: Path, targets: tuple[str, ...]) -> str:
    source = open_source(path)
    vectors, expected = _vectors(path.with_suffix(".npz"), source.graph)
    compared, missed = [], []
    with tempfile.TemporaryDirectory(prefix="tinykd-conformance-") as name:
        for position, target in enumerate(targets):
            exported = export(source, Export(target=target), Path(name) / target)
            if exported.plan.arena_bytes > MOST_ARENA_BYTES:
                raise UnsupportedModel(f"needs an arena of {exported.plan.arena_bytes} bytes, over {MOST_ARENA_BYTES}")
            if position == 0:
                _check_recorded(exported, source, vectors, expected)
            try:
                proof, _ = verify(exported, Vectors(vectors, None), layers=position == 0)
            except OverBudget:
                missed.append(target)
                continue
            check(proof)
            compared.append(f"{proof.target} {proof.compared:,}")
    beyond = f"; does not fit {', '.join(missed)}" if missed else ""
    return f"{len(vectors)} samples; integers compared: {', '.join(compared)}{beyond}"


def _vectors(path: Path, graph: Graph) -> tuple[list[tuple[Array, ...]], list[tuple[Array, ...]]]:
    """Recorded inputs and outputs; seeded random inputs and nothing expected without a file."""
    if not path.exists():
        return random_inputs(graph, RANDOM_SAMPLES, seed=0), []
    try:
        with np.load(path, allow_pickle=False) as archive:
            stored = {key: archive[key] for key in archive.files}
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    count = sum(1 for key in stored if key.startswith("input0_"))
    return (
        [tuple(stored[f"input{k}_{s}"] for k in range(len(graph.inputs))) for s in range(count)],
        [tuple(stored[f"output{k}_{s}"] for k in range(len(graph.outputs))) for s in range(count)],
    )


def _check_recorded(exported: Exported, source: Source, vectors: list[tuple[Array, ...]], expected: list[tuple[Array, ...]]) -> None:
    """The reference that the firmware is compared with must itself reproduce the recorded outputs."""
    judge = reference(exported.program, source.model)
    for sample, (fed, wanted) in enumerate(zip(vectors, expected)):
        judge.reset()
        computed = judge.run(fed)
        for index, array in zip(source.graph.outputs, wanted):
            if not np.array_equal(computed[index], array):
                raise IntegersDiffer(
                    f"{judge.name} here differ from the recorded output '{source.graph.tensors[index].name}' of sample {sample}"
                )
