"""Generated programs on this machine: GCC, clang and zig, every warning an error, sanitizers on, the integers of LiteRT."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.compile.models import conv_then_dense_bytes
from tests.firmware.whole_table import CHUNKS, whole_table
from tests.target.machines import STRICT
from tinykd.compile.writer import write_model
from tinykd.deploy.export import Exported, export
from tinykd.deploy.source import open_source
from tinykd.recipe.model import Export
from tinykd.target.build import build
from tinykd.target.emulator.host import Host
from tinykd.target.identity import GoldenCheck
from tinykd.target.serve import Session
from tinykd.target.toolchain import HostCc, find_zig

FOLDER = os.environ.get("TINYKD_CONFORMANCE")
LARGEST = 1 << 20
"""Bytes of a model: sanitizers are slow, and larger ones prove nothing more here."""

SANITIZERS: dict[str, tuple[str, ...]] = {
    "gcc": ("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
    "clang": ("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
    "zig": ("-fsanitize=undefined", "-fno-sanitize-recover=all"),  # its wheel has no address sanitizer
}
"""By compiler."""

UNDEFINED = "int main(int n, char **v)\n{\n    volatile int most = 2147483647;\n    (void)v;\n    most = most + n;\n    return 0;\n}\n"
BEYOND = "int main(int n, char **v)\n{\n    volatile int a[4] = {0};\n    (void)v;\n    a[3 + n] = 1;\n    return 0;\n}\n"


def command(compiler: str) -> tuple[str, ...] | None:
    """The compiler with its sanitizers, or None if it is not here."""
    if compiler == "zig":
        zig = find_zig()
        return (zig.executable, "cc", *SANITIZERS[compiler]) if zig else None
    path = shutil.which(compiler)
    return (path, *SANITIZERS[compiler]) if path else None


def works(compiler: str, folder: Path) -> bool:
    """Whether its sanitizers are installed too."""
    chosen = command(compiler)
    return chosen is not None and run(chosen, "int main(void)\n{\n    return 0;\n}\n", folder) == 0


def run(compiler: tuple[str, ...], text: str, folder: Path) -> int | None:
    """The exit code of a program; None if it does not build."""
    source, program = folder / "program.c", folder / "program"
    source.write_text(text)
    built = subprocess.run([*compiler, "-O1", str(source), "-o", str(program)], capture_output=True, check=False)
    return subprocess.run([str(program)], capture_output=True, check=False).returncode if built.returncode == 0 else None


@pytest.fixture(params=sorted(SANITIZERS))
def compiler(request: pytest.FixtureRequest, tmp_path: Path) -> HostCc:
    if not works(request.param, tmp_path):
        pytest.skip(f"{request.param} with sanitizers is not installed")
    chosen = command(request.param)
    assert chosen is not None
    return HostCc(chosen, "with sanitizers", request.param)


def test_some_compiler_is_here(tmp_path: Path) -> None:
    assert any(works(name, tmp_path) for name in SANITIZERS)


def test_the_sanitizers_notice(compiler: HostCc, tmp_path: Path) -> None:
    assert run(compiler.command, UNDEFINED, tmp_path) not in (None, 0)
    if "-fsanitize=address,undefined" in compiler.command:
        assert run(compiler.command, BEYOND, tmp_path) not in (None, 0)


def prove(exported: Exported, compiler: HostCc) -> None:
    """Build the tree as it was written and repeat its golden vectors, whose outputs are those of LiteRT's reference kernels."""
    image = build(exported.folder, exported.target, compiler, flags=STRICT)
    fed = exported.golden.inputs
    served = Session(Host(), image).run_inputs(fed, resets=range(len(fed)))
    assert [inference.outputs for inference in served.inferences] == list(exported.golden.outputs)
    assert served.golden == GoldenCheck(served.golden.vectors, served.golden.compared, 0)


def test_a_small_model(compiler: HostCc, tmp_path: Path) -> None:
    (tmp_path / "small.tflite").write_bytes(conv_then_dense_bytes())
    prove(export(open_source(tmp_path / "small.tflite"), Export(target="host"), tmp_path / "tree"), compiler)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_operator(chunk: int, compiler: HostCc, tmp_path: Path) -> None:
    (tmp_path / "table.tflite").write_bytes(write_model(whole_table(chunk, seed=0).graph))
    prove(export(open_source(tmp_path / "table.tflite"), Export(target="host"), tmp_path / "tree"), compiler)


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(Path(FOLDER).glob("*.tflite")) if FOLDER else [], ids=lambda path: path.stem)
def test_other_peoples_models(path: Path, compiler: HostCc, tmp_path: Path) -> None:
    if path.stat().st_size > LARGEST:
        pytest.skip(f"larger than {LARGEST} bytes")
    prove(export(open_source(path), Export(target="host"), tmp_path / "tree"), compiler)
