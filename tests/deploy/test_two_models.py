"""Two models in one program, linked as objects, so that any symbol of both would be an error; on this machine and in an emulator."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.deploy.packages import STRICT, compiled_c, linked, package, run
from tests.kernels import host_compiler
from tests.target.machines import installed, needs_riscv_gcc, needs_riscv_qemu
from tinykd.compile.emit.amalgamation import amalgamate, external_functions, renamed
from tinykd.compile.emit.library import kernel_library
from tinykd.target.build import build
from tinykd.target.elf import read_elf
from tinykd.target.emulator.find import find_emulator
from tinykd.target.firmware import firmware_sources
from tinykd.target.packages.package import Package
from tinykd.target.targets import find_target
from tinykd.target.toolchain import find_toolchain

MODELS = (package("first", 1), package("second", 2))


def program(models: tuple[Package, ...], ending: str) -> str:
    """Golden vectors of all models by turns, in one arena as large as the largest needs."""
    header = "#include <stdint.h>\n#include <string.h>\n" + "".join(f'#include "{m.prefix}_golden.h"\n' for m in models)
    largest = max(m.arena_bytes for m in models)
    turns = "".join(
        f"        memcpy({m.prefix}_input(arena), {m.prefix}_golden_input[k], {m.macro}_INPUT_BYTES);\n"
        f"        differing += {m.prefix}_invoke(arena) != 0;\n"
        f"        differing += memcmp({m.prefix}_output(arena), {m.prefix}_golden_output[k], {m.macro}_OUTPUT_BYTES) != 0;\n"
        for m in models
    )
    return f"""{header}
static uint8_t arena[{largest}] __attribute__((aligned(16)));

static int differing_inferences(void)
{{
    int differing = 0;
    for (int k = 0; k < {models[0].macro}_GOLDEN; ++k) {{
{turns}    }}
    return differing;
}}

{ending}
"""


def in_one_folder(folder: Path, models: tuple[Package, ...]) -> None:
    for m in models:
        for name, text in {**m.library("", ""), f"{m.prefix}_golden.h": m.golden}.items():
            (folder / name).write_text(text)


def global_names(c_file: Path) -> list[str]:
    """What the object of a C file defines for others."""
    built = c_file.with_suffix(".o")
    run("cc", "-std=c99", *STRICT, "-c", c_file, "-o", built)
    shown = subprocess.run([*nm(), str(built)], capture_output=True, text=True, check=True).stdout
    return [name.lstrip("_") for *_, kind, name in map(str.split, shown.splitlines()) if kind in "TDRBCVW"]


def test_every_symbol_bears_the_models_name(tmp_path: Path) -> None:
    in_one_folder(tmp_path, MODELS)
    for made in MODELS:
        defined = global_names(tmp_path / f"{made.prefix}.c")
        assert f"{made.prefix}_invoke" in defined
        assert [name for name in defined if not name.startswith(f"{made.prefix}_")] == []


def test_every_kernel_can_bear_a_models_name(tmp_path: Path) -> None:
    """Whatever kernels a model calls, for any core."""
    library = kernel_library()
    includable = {path.split("/", 1)[1]: text for path, text in library.items()}
    sources = sorted(path for path, text in includable.items() if path.endswith(".c"))
    functions = external_functions(includable[path] for path in sources)
    (tmp_path / "none.h").write_text("")
    (tmp_path / "all.c").write_text(renamed(amalgamate(includable, sources, "none.h"), functions, "tinykd_mine"))
    defined = global_names(tmp_path / "all.c")
    assert len(defined) > len(sources)
    assert [name for name in defined if not name.startswith("tinykd_mine_")] == []


def nm() -> list[str]:
    return ["nm"] if host_compiler() == ["cc"] else [*host_compiler()[:-1], "nm"]


def test_two_models_in_one_program(tmp_path: Path) -> None:
    in_one_folder(tmp_path, MODELS)
    (tmp_path / "main.c").write_text(program(MODELS, "int main(void)\n{\n    return differing_inferences();\n}"))
    names = ["main", *(m.prefix for m in MODELS)]
    objects = [compiled_c(tmp_path / f"{name}.c", [tmp_path], tmp_path / f"{name}.o", "-std=c99") for name in names]
    run(linked(objects, tmp_path / "both"))


def test_models_swapped_would_be_noticed(tmp_path: Path) -> None:
    """The comparison above can fail: with the other model's constants inferences differ."""
    in_one_folder(tmp_path, MODELS)
    (tmp_path / "tinykd_first.c").write_text(package("first", 2).source)
    (tmp_path / "main.c").write_text(program(MODELS, "int main(void)\n{\n    return differing_inferences();\n}"))
    names = ["main", *(m.prefix for m in MODELS)]
    objects = [compiled_c(tmp_path / f"{name}.c", [tmp_path], tmp_path / f"{name}.o") for name in names]
    outcome = subprocess.run([str(linked(objects, tmp_path / "both"))], check=False)
    assert outcome.returncode > 0


@pytest.mark.parametrize(
    "name",
    [
        "m0plus",
        "m4",
        "m33",
        pytest.param("m55", marks=pytest.mark.skipif(not installed("m55", "qemu"), reason="needs QEMU with the M55")),
        pytest.param("rv32imac", marks=[needs_riscv_gcc, needs_riscv_qemu]),
    ],
)
def test_two_models_in_one_firmware(name: str, tmp_path: Path) -> None:
    models = tuple(package(called, seed, target=name) for called, seed in (("first", 1), ("second", 2)))
    target = find_target(name)
    for folder in ("src", "include"):
        (tmp_path / folder).mkdir()
    for path, text in firmware_sources(target).items():
        if path not in ("firmware/main.c", "firmware/frame.c"):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
    in_one_folder(tmp_path / "src", models)
    ending = """int main(void)
{
    tinykd_port_init();
    const int differing = differing_inferences();
    tinykd_port_text(differing == 0 ? "both agree\\n" : "DIFFER\\n");
    tinykd_port_exit(differing != 0);
    return 0;
}"""
    (tmp_path / "firmware" / "main.c").write_text('#include "tinykd/port.h"\n' + program(models, ending))
    image = build(tmp_path, target, find_toolchain(target, "auto"))
    assert {f"{m.prefix}_invoke" for m in models} <= {symbol.name for symbol in read_elf(image.elf).symbols}
    outcome = find_emulator(target).run(image, b"")
    assert "both agree" in outcome.text
    assert outcome.exit_code == 0
