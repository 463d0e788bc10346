"""Generated C: deterministic, clean under every warning, the same integers as NumPy."""

from __future__ import annotations

import ctypes
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.compile.models import conv_then_dense
from tests.kernels import SANITIZERS, WARNINGS, host_compiler
from tinykd.compile.emit import tree
from tinykd.compile.emit.amalgamation import amalgamate
from tinykd.compile.emit.golden import Golden, packed
from tinykd.compile.emit.library import kernel_library
from tinykd.compile.emit.tables import literal
from tinykd.compile.planner.plan import plan
from tinykd.compile.program import Program, lower
from tinykd.compile.simulate import simulate


def written(files: dict[str, str], folder: Path) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def compiled(sources: list[Path], includes: list[Path], folder: Path) -> ctypes.CDLL:
    target = folder / "model.so"
    flags = [f"-I{path}" for path in includes]
    subprocess.run(
        [*host_compiler(), "-shared", "-fPIC", *WARNINGS, *SANITIZERS, *flags, *map(str, sources), "-o", str(target)], check=True
    )
    return ctypes.CDLL(str(target))


def infer(library: ctypes.CDLL, program: Program, arena_bytes: int, x: np.ndarray) -> np.ndarray:
    """One inference through the C interface, in an arena with guards on both sides."""
    prefix = f"tinykd_{program.graph.name}"
    memory = np.full(arena_bytes + 256, 0x5A, np.uint8)
    start = -memory.ctypes.data % 16 + 64
    arena = memory.ctypes.data + start
    get_input, get_output = getattr(library, f"{prefix}_input"), getattr(library, f"{prefix}_output")
    get_input.restype = get_output.restype = ctypes.c_void_p
    ctypes.memmove(get_input(ctypes.c_void_p(arena)), np.ascontiguousarray(x).ctypes.data, x.nbytes)
    assert getattr(library, f"{prefix}_invoke")(ctypes.c_void_p(arena)) == 0
    result = program.tensor(program.graph.outputs[0])
    got = np.zeros(result.shape, np.int8)
    ctypes.memmove(got.ctypes.data, get_output(ctypes.c_void_p(arena)), got.nbytes)
    assert (memory[:start] == 0x5A).all()
    assert (memory[start + arena_bytes :] == 0x5A).all()
    return got


@pytest.mark.parametrize("rounding", ["single", "double"])
@pytest.mark.parametrize("form", ["tree", "single file"])
def test_generated_c_equals_numpy(form: str, rounding: str, tmp_path: Path) -> None:
    program = lower(conv_then_dense(), rounding)  # type: ignore[arg-type]
    memory = plan(program)
    if form == "tree":
        folder = written(tree.model_files(program, memory, kernel_library()), tmp_path)
        library = compiled(sorted(folder.glob("src/*.c")), [folder / "include", folder / "src"], folder)
    else:
        folder = written(tree.single_file(program, memory, kernel_library()), tmp_path)
        assert len(list(folder.iterdir())) == 2
        library = compiled(list(folder.glob("*.c")), [folder], folder)
    rng = np.random.default_rng(3)
    for _ in range(50):
        x = rng.integers(-128, 128, (1, 6, 6, 2)).astype(np.int8)
        np.testing.assert_array_equal(infer(library, program, memory.arena_bytes, x), simulate(program, [x])[6])


def test_invoke_refuses_a_null_or_crooked_arena(tmp_path: Path) -> None:
    program = lower(conv_then_dense())
    folder = written(tree.single_file(program, plan(program), kernel_library()), tmp_path)
    library = compiled(list(folder.glob("*.c")), [folder], folder)
    assert library.tinykd_small_invoke(None) == -1
    assert library.tinykd_small_invoke(ctypes.c_void_p(0x10004)) == -1


def test_same_model_same_bytes() -> None:
    def files() -> dict[str, str]:
        program = lower(conv_then_dense())
        return tree.model_files(program, plan(program), kernel_library())

    assert files() == files()


def test_names_cannot_leave_their_comment(tmp_path: Path) -> None:
    """A tensor's name is the author's text: it must not become code."""
    graph = conv_then_dense()
    evil = "x */ int evil(void); /* \n#error \u2028 \\"
    graph = replace(graph, tensors=tuple(replace(t, name=evil) for t in graph.tensors))
    program = lower(graph)
    files = tree.model_files(program, plan(program), kernel_library())
    library = compiled(sorted(written(files, tmp_path).glob("src/*.c")), [tmp_path / "include", tmp_path / "src"], tmp_path)
    assert not hasattr(library, "evil")


def test_every_kernel_fits_into_one_file(tmp_path: Path) -> None:
    """Any model may use any kernels, so no two may define the same static name."""
    library = kernel_library()
    includable = {path.split("/", 1)[1]: text for path, text in library.items() if path.startswith(("include/", "kernels/"))}
    sources = sorted(path.split("/", 1)[1] for path in library if path.startswith("kernels/") and path.endswith(".c"))
    assert len(sources) >= 2
    text = amalgamate(includable, sources, "none.h")
    (tmp_path / "none.h").write_text("")
    (tmp_path / "all.c").write_text(text)
    command = [*host_compiler(), *WARNINGS, f"-I{tmp_path}", "-c", str(tmp_path / "all.c"), "-o", str(tmp_path / "all.o")]
    subprocess.run(command, check=True)


def test_literals_are_the_numbers() -> None:
    values = np.array([-(1 << 31), -1, 0, (1 << 31) - 1], np.int32)
    body = literal("int32_t", values)
    assert [eval(text) for text in body.replace("\n", "").split(",")] == values.tolist()
    floats = np.array([0.1, -1e-30, 3.0], np.float32)
    back = [float.fromhex(text.strip().rstrip("f")) for text in literal("float", floats).split(",")]
    np.testing.assert_array_equal(np.float32(back), floats)


def test_golden_vectors_stop_at_the_limit() -> None:
    golden = Golden((b"1234", b"5678", b"9012"), (b"ab", b"cd", b"ef"))
    assert golden.within(12) == Golden((b"1234", b"5678"), (b"ab", b"cd"))
    assert golden.within(5) == Golden((), ())
    assert packed([np.array([1, -1], np.int16), np.array([7], np.int8)]) == b"\x01\x00\xff\xff\x07"


def test_weights_are_written_once() -> None:
    """Two layers with equal tables share them."""
    graph = conv_then_dense()
    program = lower(graph)
    doubled = replace(program, layers=(program.layers[0], replace(program.layers[0], index=1)))
    from tinykd.compile.emit.names import Names
    from tinykd.compile.emit.tables import collect

    once, twice = collect(replace(program, layers=program.layers[:1]), Names("small")), collect(doubled, Names("small"))
    assert once.bytes == twice.bytes == 4 * 3 * 3 * 2 + 4 * 4 + 4 * 4 + 4
    assert re.fullmatch(r"tinykd_small_weights_0_weights", once.listed[0].symbol)
