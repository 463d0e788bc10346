"""`tinykd profile`: exact to the instruction, the same twice, and the same from two emulators that count in different ways."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from tests.deploy.commands import tinykd
from tests.target.machines import needs_qemu
from tinykd.deploy.export import Exported, export
from tinykd.deploy.profile import profile
from tinykd.deploy.source import open_source
from tinykd.deploy.verify import choose_vectors, verify
from tinykd.errors import UsageError
from tinykd.recipe.model import Export
from tinykd.report.profile import Profile, profile_text
from tinykd.report.profile_chart import profile_svg
from tinykd.target.emulator.unicorn import find_unicorn


def profiled(exported: Exported, emulator: str = "auto") -> Profile:
    return profile(exported, choose_vectors(exported, 1, 0).inputs[0], emulator=emulator)


@needs_qemu
@pytest.mark.parametrize("target", ["m0plus", "m3", "m4", "m33"])
def test_two_emulators_count_the_same_in_every_layer(target: str, model: Path, tmp_path: Path) -> None:
    if find_unicorn() is None:
        pytest.skip("unicorn is not installed")
    exported = export(open_source(model), Export(target=target), tmp_path / "tree")
    by_clock, by_blocks = profiled(exported, "qemu"), profiled(exported, "unicorn")
    assert by_clock.exact
    assert [layer.instructions for layer in by_clock.layers] == [layer.instructions for layer in by_blocks.layers]
    assert by_clock.instructions == by_blocks.instructions
    assert by_clock == profiled(exported, "qemu")


@needs_qemu
@pytest.mark.parametrize("target", ["m4", "m55", "m33"])
def test_layers_add_up_to_the_inference(target: str, model: Path, tmp_path: Path) -> None:
    exported = export(open_source(model), Export(target=target), tmp_path / "tree")
    found = profiled(exported)
    proof, _ = verify(exported, choose_vectors(exported, 1, 0))
    # the plain image reads its clock in whole ticks, and loads no arguments of marks
    assert found.instructions == pytest.approx(proof.instructions, abs=2 * 50 + 8 * len(found.layers))
    assert sum(layer.instructions for layer in found.layers) <= found.instructions
    assert sum(layer.macs for layer in found.layers) == found.macs == exported.program.macs
    assert all(0 < layer.floor <= layer.instructions for layer in found.layers)


@needs_qemu
def test_json_follows_its_schema_and_the_chart_has_every_layer(model: Path, tmp_path: Path) -> None:
    outcome = tinykd("profile", model, "--target", "m4", "--out", tmp_path / "tree", "--json")
    assert outcome.returncode == 0, outcome.stderr
    jsonschema.validate(json.loads(outcome.stdout), json.loads(tinykd("profile", "--schema").stdout))
    found = Profile.model_validate_json(outcome.stdout)
    assert (tmp_path / "tree" / "report" / "profile.txt").read_text() == profile_text(found)
    assert profile_svg(found).count("<rect") == 2 * len(found.layers)
    assert all(layer.kernel in profile_text(found) for layer in found.layers)


def test_a_target_without_a_counter_is_refused(model: Path, tmp_path: Path) -> None:
    exported = export(open_source(model), Export(target="host"), tmp_path / "tree")
    with pytest.raises(UsageError, match="nothing counts instructions"):
        profiled(exported)


@needs_qemu
def test_the_report_of_an_export_shows_its_profile(model: Path, tmp_path: Path) -> None:
    for command in ("export", "profile"):
        assert tinykd(command, model, "--target", "m4", "--out", tmp_path / "tree").returncode == 0
    for form in ([], ["--format", "markdown"]):
        shown = tinykd("report", tmp_path / "tree", *form).stdout
        assert "instructions per inference" in shown
        assert "tinykd_conv_2d" in shown
