"""`tinykd export`: the tree on disk, its memory report, its refusals."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest

from tests.deploy.commands import tinykd
from tests.kernels import host_compiler
from tinykd.deploy.export import export
from tinykd.deploy.firmware import build_firmware
from tinykd.deploy.memory import budget_of
from tinykd.deploy.source import open_source
from tinykd.errors import ToolError
from tinykd.recipe.model import Export
from tinykd.target.elf import read_elf


def tree_bytes(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file() and "build" not in p.parts}


def test_same_model_same_tree_and_same_image(model: Path, tmp_path: Path) -> None:
    source = open_source(model)
    one, two = (export(source, Export(target="m4"), tmp_path / name) for name in ("one", "two"))
    assert tree_bytes(one.folder) == tree_bytes(two.folder)
    images = [build_firmware(exported, budget_of(exported)).elf.read_bytes() for exported in (one, two)]
    assert images[0] == images[1]


def test_memory_report_adds_up_and_obeys_its_schema(model: Path, tmp_path: Path) -> None:
    outcome = tinykd("export", model, "--target", "m3", "--out", tmp_path / "tree", "--json")
    assert outcome.returncode == 0, outcome.stderr
    memory = json.loads(outcome.stdout)
    folder = tmp_path / "tree" / "report"
    jsonschema.validate(memory, json.loads((folder / "memory.schema.json").read_text()))
    assert json.loads((folder / "memory.json").read_text()) == memory
    parts = memory["weights_bytes"] + memory["code_bytes"] + memory["golden_bytes"] + memory["data_bytes"]
    assert memory["flash_bytes"] == parts
    assert memory["ram_bytes"] >= memory["arena_bytes"] + memory["stack_bytes"] + memory["data_bytes"] + memory["bss_bytes"]
    assert memory["ram_bytes"] <= memory["arena_bytes"] + memory["stack_bytes"] + memory["data_bytes"] + memory["bss_bytes"] + 64
    image = next((tmp_path / "tree" / "build").rglob("firmware.elf"))
    stored = sum(section.bytes for section in read_elf(image).sections if section.stored)
    assert memory["flash_bytes"] == stored


def test_layers_in_the_memory_report(model: Path, tmp_path: Path) -> None:
    """On the host, where the portable kernels take weights as they are."""
    outcome = tinykd("export", model, "--target", "host", "--no-build", "--out", tmp_path / "tree", "--json")
    memory = json.loads(outcome.stdout)
    # CONV_2D: 4x3x3x2 weights, 4 biases, 4 multipliers, 4 shifts; FULLY_CONNECTED: 5x36 weights, 5 biases, multipliers, shifts
    assert [layer["weights_bytes"] for layer in memory["layers"]] == [72 + 16 + 16 + 4, 180 + 20 + 20 + 5]
    assert [layer["macs"] for layer in memory["layers"]] == [3 * 3 * 4 * 18, 180]
    # the output of the convolution follows its input 3 bytes below, which is a word
    assert memory["layers"][0]["arena_bytes"] == 72 + 4
    assert memory["arena_proved_optimal"]


def test_over_budget_is_exit_3_and_names_what_to_shrink(model: Path, tmp_path: Path) -> None:
    outcome = tinykd("export", model, "--out", tmp_path / "tree", "--flash", "1KiB")
    assert outcome.returncode == 3
    assert "flash is" in outcome.stderr
    assert "layer 1 FULLY_CONNECTED 'logits'" in outcome.stderr
    outcome = tinykd("export", model, "--out", tmp_path / "tree", "--ram", "256B")
    assert outcome.returncode == 3
    assert "layer 0 CONV_2D" in outcome.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--flash", "64"], 2, "unit"),
        (["--target", "cortex-m99"], 2, "target"),
        (["--rounding", "triple"], 2, "rounding"),
        (["--ram", "0KiB"], 2, "positive"),
    ],
)
def test_wrong_options(model: Path, tmp_path: Path, arguments: list[str], code: int, says: str) -> None:
    outcome = tinykd("export", model, "--out", tmp_path / "tree", *arguments)
    assert outcome.returncode == code
    assert says in outcome.stderr


def test_damaged_models_are_refused_before_anything_is_written(model: Path, tmp_path: Path) -> None:
    data = model.read_bytes()
    for name, bad in {"empty": b"", "cut": data[:300], "text": b"hello, this is no model at all"}.items():
        path = tmp_path / f"{name}.tflite"
        path.write_bytes(bad)
        outcome = tinykd("export", path, "--out", tmp_path / "tree")
        assert outcome.returncode == 5, outcome.stderr
        assert not (tmp_path / "tree").exists()
    outcome = tinykd("export", tmp_path / "absent.tflite", "--json")
    assert outcome.returncode == 2
    assert json.loads(outcome.stdout)["exit_code"] == 2


def test_foreign_folder_is_left_alone(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    assert tinykd("export", model, "--out", folder).returncode == 2
    assert [p.name for p in folder.iterdir()] == ["thesis.tex"]


def test_stale_files_go_and_others_stay(model: Path, tmp_path: Path) -> None:
    source, folder = open_source(model), tmp_path / "tree"
    export(source, Export(target="m4"), folder)
    assert (folder / "firmware" / "startup.c").exists()
    (folder / "notes.txt").write_text("the user's")
    export(source, Export(target="host"), folder)
    assert not (folder / "firmware" / "startup.c").exists()
    assert (folder / "notes.txt").exists()


def test_full_disk_is_an_error_not_a_traceback(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    source = open_source(model)
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ToolError, match="No space left"):
        export(source, Export(), tmp_path / "tree")


def test_export_imports_no_tensorflow(model: Path, tmp_path: Path) -> None:
    import sys

    code = (
        "import sys\nfrom tinykd.cli.main import main\n"
        f"try: main(['export', {str(model)!r}, '--out', {str(tmp_path / 'tree')!r}])\nexcept SystemExit as e: assert not e.code\n"
        "print('LOADED', *sorted({n.split('.')[0] for n in sys.modules} & {'tensorflow', 'keras', 'tf_keras'}))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip().endswith("LOADED")


def test_single_file_compiles_alone(model: Path, tmp_path: Path) -> None:
    outcome = tinykd("export", model, "--single-file", "--out", tmp_path / "one")
    assert outcome.returncode == 0, outcome.stderr
    assert sorted(p.name for p in (tmp_path / "one").iterdir()) == ["tinykd_small.c", "tinykd_small.h", "tinykd_small_example"]
    command = [*host_compiler(), "-std=c99", "-Wall", "-Wextra", "-Werror", "-c", "tinykd_small.c", "-o", str(tmp_path / "one.o")]
    subprocess.run(command, cwd=tmp_path / "one", check=True)


def test_c_array_is_the_model(model: Path, tmp_path: Path) -> None:
    outcome = tinykd("export", model, "--format", "c-array", "--out", tmp_path / "array")
    assert outcome.returncode == 0, outcome.stderr
    folder = tmp_path / "array"
    (folder / "print.c").write_text(
        '#include <stdint.h>\n#include <stdio.h>\n#include "tinykd_small_tflite.h"\n'
        "int main(void) { if ((uintptr_t)tinykd_small_tflite % 16) return 1;\n"
        "  return fwrite(tinykd_small_tflite, 1, TINYKD_SMALL_TFLITE_BYTES, stdout) != TINYKD_SMALL_TFLITE_BYTES; }\n"
    )
    command = [*host_compiler(), "-std=c99", "-I.", "print.c", "tinykd_small_tflite.c", "-o", "print"]
    subprocess.run(command, cwd=folder, check=True)
    printed = subprocess.run([str(folder / "print")], capture_output=True, check=True).stdout
    assert printed == model.read_bytes()


@pytest.mark.skipif(not (shutil.which("make") and shutil.which("cc")), reason="needs make and a C compiler on the PATH")
def test_generated_makefile_builds_and_proves(model: Path, tmp_path: Path) -> None:
    export(open_source(model), Export(target="host"), tmp_path / "tree")
    subprocess.run(["make", "-s", "-C", str(tmp_path / "tree"), "run"], check=True)


@pytest.mark.skipif(not (shutil.which("arm-none-eabi-gcc") and shutil.which("qemu-system-arm")), reason="needs GCC for Arm and QEMU")
def test_generated_makefile_builds_and_proves_firmware(model: Path, tmp_path: Path) -> None:
    export(open_source(model), Export(target="m4"), tmp_path / "tree")
    subprocess.run(["make", "-s", "-C", str(tmp_path / "tree"), "run"], check=True)


@pytest.mark.skipif(not (shutil.which("cmake") and shutil.which("cc")), reason="needs CMake and a C compiler on the PATH")
def test_generated_cmake_project_builds(model: Path, tmp_path: Path) -> None:
    tree = export(open_source(model), Export(target="host"), tmp_path / "tree").folder
    subprocess.run(["cmake", "-S", str(tree), "-B", str(tmp_path / "out"), "-DTINYKD_FIRMWARE=ON"], check=True, capture_output=True)
    subprocess.run(["cmake", "--build", str(tmp_path / "out")], check=True, capture_output=True)
    subprocess.run([str(tmp_path / "out" / "small_firmware")], stdin=subprocess.DEVNULL, check=True, capture_output=True)
