"""The report of a network that lost channels: before and after, and the proof of what went."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.fuzz.pruned import pruned_network
from tinykd.compile.graph import Reduced
from tinykd.compile.writer import write_model
from tinykd.deploy.export import Exported, export
from tinykd.deploy.memory import memory_report
from tinykd.deploy.source import open_source
from tinykd.deploy.verify import Vectors, choose_vectors, verify
from tinykd.recipe.model import Export
from tinykd.report.text import memory_markdown, memory_text

SEED = 2
"""A network that loses channels in several layers."""


def exported(folder: Path, without: tuple[str, ...] = (), rounding: str = "single") -> Exported:
    model = folder / "pruned.tflite"
    model.write_bytes(write_model(pruned_network(SEED, (1, 6, 5, 2))))
    return export(open_source(model), Export.model_validate({"target": "host", "without": without, "rounding": rounding}), folder / "out")


def test_report_says_before_and_after(tmp_path: Path) -> None:
    whole = memory_report(exported(tmp_path, ("constant-channels",)), None)
    memory = memory_report(exported(tmp_path), None)
    assert whole.reduction is None
    assert memory.reduction is not None
    assert (memory.reduction.macs_before, memory.reduction.macs) == (whole.macs, memory.macs)
    assert (memory.reduction.weights_before_bytes, memory.reduction.weights_bytes) == (whole.weights_bytes, memory.weights_bytes)
    assert memory.macs < whole.macs
    first = memory.reduction.layers[0]
    assert f"{first.channels_before:>5} -> {first.channels}" in memory_text(memory)
    assert f"| {first.channels_before} | {first.channels} | {first.constant} |" in memory_markdown(memory)
    assert "unread" not in memory_text(whole)


@pytest.mark.parametrize("rounding", ["single", "double"])
def test_layers_are_proved_against_the_whole_model(rounding: str, tmp_path: Path) -> None:
    """Also in double rounding, where the judge is NumPy: it computes the model as it was."""
    small = exported(tmp_path, rounding=rounding)
    proof, _ = verify(small, choose_vectors(small, 5, 1), layers=True)
    assert proof.differences == 0
    index, tensor = next((i, t) for i, t in enumerate(small.program.graph.tensors) if t.reduced and t.reduced.constants)
    assert tensor.reduced is not None
    wrong = Reduced(tensor.reduced.channels, tensor.reduced.kept, {c: value ^ 1 for c, value in tensor.reduced.constants.items()})
    tensors = (*small.program.graph.tensors[:index], replace(tensor, reduced=wrong), *small.program.graph.tensors[index + 1 :])
    claimed = replace(small, program=replace(small.program, graph=replace(small.program.graph, tensors=tensors)))
    vectors = choose_vectors(small, 2, 1)
    disproof, _ = verify(claimed, Vectors(vectors.inputs, None), layers=True)
    assert disproof.differences > 0
    assert disproof.mismatches[0].name == tensor.name
