"""`tinykd verify`: exact where it must be, and loud where one bit is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from tests.deploy.commands import tinykd
from tinykd.deploy.export import export
from tinykd.deploy.firmware import build_firmware
from tinykd.deploy.memory import budget_of
from tinykd.deploy.source import open_source
from tinykd.deploy.verify import check, choose_vectors, verify
from tinykd.errors import IntegersDiffer
from tinykd.recipe.model import Export
from tinykd.target.build import Image
from tinykd.target.elf import read_elf
from tinykd.target.emulator.qemu import find_qemu
from tinykd.target.emulator.unicorn import find_unicorn
from tinykd.target.fault_injection import flip_bit, weight_tables
from tinykd.target.toolchain import find_gcc, find_zig

CONTRACT = {
    "target", "emulator", "toolchain", "samples", "compared", "differences", "instructions", "macs", "arena_bytes",
    "stack_bytes", "weights_bytes", "code_bytes", "flash_bytes", "ram_bytes",
}  # fmt: skip

TOOLCHAINS = [name for name, find in (("gcc", find_gcc), ("zig", find_zig)) if find() is not None]
EMULATORS = [name for name, find in (("qemu", find_qemu), ("unicorn", find_unicorn)) if find() is not None]


def test_there_is_something_to_test_with() -> None:
    assert TOOLCHAINS
    assert EMULATORS


@pytest.mark.parametrize("emulator", EMULATORS)
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("rounding", ["single", "double"])
def test_every_layer_is_exact(model: Path, tmp_path: Path, toolchain: str, emulator: str, rounding: str) -> None:
    exported = export(open_source(model), Export(target="m4", rounding=rounding), tmp_path / "tree")  # type: ignore[arg-type]
    proof, _ = verify(exported, choose_vectors(exported, 40, 1), toolchain=toolchain, emulator=emulator, layers=True)
    check(proof)
    assert proof.compared == 40 * (5 + 36 + 5)
    assert proof.layers_compared == 2
    assert proof.golden == 16
    assert proof.constants_intact
    # every MAC is at least one instruction, and this model has little else
    assert proof.macs < proof.instructions < 60 * proof.macs
    assert proof.stack_bytes > 0


def test_json_is_the_contract(model: Path, tmp_path: Path) -> None:
    outcome = tinykd("verify", model, "--target", "m4", "--samples", 5, "--seed", 3, "--out", tmp_path / "tree", "--json")
    assert outcome.returncode == 0, outcome.stderr
    proof = json.loads(outcome.stdout)
    assert proof.keys() >= CONTRACT
    assert (proof["samples"], proof["compared"], proof["differences"]) == (5, 25, 0)
    schema = json.loads((tmp_path / "tree" / "report" / "verification.schema.json").read_text())
    jsonschema.validate(proof, schema)


@pytest.mark.parametrize("target", ["host", "m3", "m7", "m33", "m55", "cortex-m0plus"])
def test_every_target_compiles_and_where_it_runs_is_exact(model: Path, tmp_path: Path, target: str) -> None:
    exported = export(open_source(model), Export(target=target), tmp_path / "tree")
    build_firmware(exported, budget_of(exported))
    if target == "host" or find_qemu() is not None:
        proof, _ = verify(exported, choose_vectors(exported, 10, 0))
        check(proof)


def flipped(image: Image, weight: int, bit: int, output: Path) -> Path:
    """The image with one bit of one weight of layer 1 changed; weights beyond the first four channels may be padding."""
    table = read_elf(image.elf).symbol("tinykd_small_weights_1_weights")
    assert table is not None
    return flip_bit(image, table.address + weight, bit, output).elf


@pytest.mark.parametrize(("weight", "bit"), [(0, 7), (77, 6), (130, 5)])
def test_a_flipped_weight_bit_is_found(model: Path, tmp_path: Path, weight: int, bit: int) -> None:
    exported = export(open_source(model), Export(target="m4"), tmp_path / "tree")
    broken = flipped(build_firmware(exported, budget_of(exported)), weight, bit, tmp_path / "broken.elf")
    proof, _ = verify(exported, choose_vectors(exported, 40, 2), image=broken)
    assert proof.differences > 0
    assert proof.mismatches[0].operator == "FULLY_CONNECTED"
    with pytest.raises(IntegersDiffer, match="logits"):
        check(proof)


def test_a_damaged_constant_that_no_sample_shows_is_found(model: Path, tmp_path: Path) -> None:
    """The padding of a weight that no multiplication reaches, or one too small to show."""
    exported = export(open_source(model), Export(target="m4"), tmp_path / "tree")
    image = build_firmware(exported, budget_of(exported))
    vectors, silent = choose_vectors(exported, 2, 1), 0
    for position in range(weight_tables(image)[-1].bytes):
        broken = flip_bit(image, weight_tables(image)[-1].address + position, 0, tmp_path / "broken.elf")
        proof, _ = verify(exported, vectors, image=broken.elf)
        assert not proof.constants_intact
        with pytest.raises(IntegersDiffer):
            check(proof)
        silent += proof.differences == 0
        if silent:
            break
    assert silent, "each of these bits showed in an output: the test needs another table"


def test_a_flipped_weight_bit_is_exit_4(model: Path, tmp_path: Path) -> None:
    exported = export(open_source(model), Export(target="m4"), tmp_path / "tree")
    broken = flipped(build_firmware(exported, budget_of(exported)), 20, 7, tmp_path / "broken.elf")
    outcome = tinykd("verify", model, "--target", "m4", "--out", tmp_path / "tree", "--image", broken)
    assert outcome.returncode == 4
    assert "NOT EXACT" in outcome.stdout


def test_a_wrong_kernel_is_placed_in_its_layer(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in the generated C of layer 0 shows up as layer 0, though only outputs were asked for."""
    exported = export(open_source(model), Export(target="m3"), tmp_path / "tree")
    source, place = exported.folder / "src" / "tinykd_small.c", exported.plan.tensor_offsets[3]
    source.write_text(source.read_text().replace("    tinykd_trace(3,", f"    a[{place}] ^= 64;\n    tinykd_trace(3,"))
    proof, _ = verify(exported, choose_vectors(exported, 10, 0))
    assert proof.differences > 0
    assert (proof.mismatches[0].index, proof.mismatches[0].operator) == (0, "CONV_2D")


def test_seeds_make_the_inputs(model: Path, tmp_path: Path) -> None:
    exported = export(open_source(model), Export(), tmp_path / "tree")
    one, same, other = (choose_vectors(exported, 6, seed).inputs for seed in (1, 1, 2))
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(one, same, strict=True))
    assert not all(np.array_equal(a[0], b[0]) for a, b in zip(one, other, strict=True))
    assert [int(v[0].min()) for v in one[:3]] == [int(v[0].max()) for v in one[:3]] == [-128, 127, -3]


def test_wrong_sample_counts_and_missing_image(model: Path, tmp_path: Path) -> None:
    assert tinykd("verify", model, "--samples", 0, "--out", tmp_path / "tree").returncode == 2
    assert tinykd("verify", model, "--image", tmp_path / "none.elf", "--out", tmp_path / "tree").returncode == 2
