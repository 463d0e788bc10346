"""Row streaming through export and verify: less RAM, the same integers, the price in the reports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.compile.row_networks import bottleneck_network
from tests.deploy.commands import tinykd
from tinykd.compile.writer import write_model
from tinykd.deploy.export import export
from tinykd.deploy.source import open_source
from tinykd.recipe.model import Export


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    path = tmp_path / "wide.tflite"
    path.write_bytes(write_model(bottleneck_network()))
    return path


def test_every_tensor_in_the_emulator_and_the_price_measured(wide: Path, tmp_path: Path) -> None:
    outcome = tinykd("verify", wide, "--target", "m4", "--samples", 3, "--layers", "--price", "--json", "--out", tmp_path / "tree")
    assert outcome.returncode == 0, outcome.stderr
    proof = json.loads(outcome.stdout)
    assert (proof["differences"], proof["layers_compared"]) == (0, 8)
    price = proof["price"]
    assert price["arena_bytes"] == proof["arena_bytes"] < price["whole_arena_bytes"]
    assert price["whole_instructions"] < price["instructions"] < 1.05 * price["whole_instructions"]


def test_the_memory_report_shows_chains_and_price(wide: Path, tmp_path: Path) -> None:
    outcome = tinykd("export", wide, "--target", "m4", "--no-build", "--json", "--out", tmp_path / "tree")
    memory = json.loads(outcome.stdout)
    streaming = memory["streaming"]
    assert memory["arena_bytes"] == streaming["arena_bytes"] < streaming["whole_arena_bytes"]
    assert streaming["chains"]
    assert all(one["windows_bytes"] < one["whole_bytes"] for one in streaming["chains"])
    assert 0 < streaming["share"] <= 0.05
    text = (tmp_path / "tree" / "report" / "memory.txt").read_text()
    assert f"{streaming['whole_arena_bytes']:,} with --optimize speed" in text


def test_the_estimate_is_near_what_is_measured(wide: Path, tmp_path: Path) -> None:
    """By a factor of two: it decides what `balanced` may do."""
    outcome = tinykd("verify", wide, "--target", "m4", "--samples", 1, "--price", "--json", "--out", tmp_path / "tree")
    price = json.loads(outcome.stdout)["price"]
    estimate = export(open_source(wide), Export(target="m4"), tmp_path / "tree").plan.schedule.instructions
    assert estimate / 2 < price["instructions"] - price["whole_instructions"] < estimate * 2


def test_speed_and_size_compute_every_layer_whole(wide: Path, tmp_path: Path) -> None:
    for optimize in ("speed", "size"):
        outcome = tinykd("export", wide, "--optimize", optimize, "--no-build", "--json", "--out", tmp_path / optimize)
        assert json.loads(outcome.stdout)["streaming"] is None


def test_one_file_holds_the_row_functions(wide: Path, tmp_path: Path) -> None:
    outcome = tinykd("export", wide, "--single-file", "--out", tmp_path / "one")
    assert outcome.returncode == 0
    text = (tmp_path / "one" / "tinykd_wide.c").read_text()
    assert "static void layers_" in text
    assert "static inline int8_t *tinykd_next_row(" in text
