"""Distances of chains and of backward layers against the generated C: every load and store is traced."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.compile.test_stream import forced
from tests.firmware.test_access import TRACER, instrumented, traced_kernels
from tinykd.compile.emit import tree
from tinykd.compile.emit.library import kernel_library
from tinykd.compile.emit.stream import backward_name, chain_name
from tinykd.compile.passes import compile_graph
from tinykd.compile.planner.plan import Plan
from tinykd.compile.planner.streaming import plan_for
from tinykd.compile.program import Program
from tinykd.compile.reader import read_model
from tinykd.compile.specialise import specialise

NETWORKS = 24
SHIFTS = 12
MODELS = Path(os.environ.get("TINYKD_CONFORMANCE", "nowhere"))

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler with -fsanitize=thread on the PATH")


def traced(program: Program, memory: Plan, folder: Path) -> ctypes.CDLL:
    """The model with its static functions opened, a call at each access, and the tracer that answers."""
    for path, text in tree.model_files(program, memory, kernel_library()).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text.replace("static void layer", "void layer"))
    source, includes = folder / "src" / f"tinykd_{program.graph.name}.c", [folder / "include", folder / "src"]
    instrumented(source, includes, folder / "model.o")
    objects = [folder / "model.o", *traced_kernels(), source.with_name(f"{source.stem}_weights.c"), TRACER]
    flags = ["-O1", "-shared", "-fPIC", *(f"-I{path}" for path in includes)]
    subprocess.run(["cc", *flags, *map(str, objects), "-o", str(folder / "model.so")], check=True)
    return ctypes.CDLL(str(folder / "model.so"))


def times(
    library: ctypes.CDLL, name: str, inputs: list[np.ndarray], position: int, output: np.ndarray, scratch: int
) -> tuple[np.ndarray, np.ndarray]:
    """When each byte of an input was last read (0: never) and each byte of the output first written."""
    reads, writes = np.zeros(inputs[position].nbytes, np.uint64), np.zeros(output.nbytes, np.uint64)
    working = np.zeros(scratch + 16, np.uint8)
    library.trace_begin(
        ctypes.c_void_p(inputs[position].ctypes.data), ctypes.c_size_t(inputs[position].nbytes),
        ctypes.c_void_p(output.ctypes.data), ctypes.c_size_t(output.nbytes),
        ctypes.c_void_p(reads.ctypes.data), ctypes.c_void_p(writes.ctypes.data),
    )  # fmt: skip
    function = getattr(library, name)
    function.restype = None
    aligned = working.ctypes.data + -working.ctypes.data % 16
    arguments = [*(x.ctypes.data for x in inputs), output.ctypes.data, *([aligned] * bool(scratch))]
    function(*map(ctypes.c_void_p, arguments))
    assert writes.all(), "the tracer missed a write"
    return reads, writes


def conflicts(reads: np.ndarray, writes: np.ndarray, above: int) -> bool:
    """Whether a byte is written before it is last read, with the input starting `above` bytes above the output."""
    first, end = max(0, -above), min(reads.size, writes.size - above)
    if first >= end:
        return False
    return bool((writes[first + above : end + above] < reads[first:end]).any())


def zeros(program: Program, index: int) -> np.ndarray:
    return np.zeros(-(-program.tensor(index).bytes // 16) * 4, np.int32).view(np.uint8)[: program.tensor(index).bytes]


def stated(program: Program, memory: Plan, folder: Path) -> Iterator[tuple[int, bool]]:
    """Trace every chain and backward layer: (how far the stated distance is above the least one, whether any byte is shared)."""
    library, rng = traced(program, memory, folder), np.random.default_rng(0)
    for one in memory.schedule.chains:
        inputs, output = [zeros(program, i) for i in one.sources], zeros(program, one.output)
        for position, source in enumerate(one.sources):
            reads, writes = times(library, chain_name(one), inputs, position, output, one.scratch)
            distance = one.distances[source]
            for above in (distance, *rng.integers(distance, distance + writes.size, SHIFTS)):
                assert not conflicts(reads, writes, int(above)), f"{chain_name(one)} may not overwrite t{source} at {above} bytes"
            least = next(above for above in range(distance, -1, -1) if above == 0 or conflicts(reads, writes, above - 1))
            yield distance - least, distance < writes.size
    for rows in memory.schedule.backward:
        inputs, output = [zeros(program, rows.sources[0])], zeros(program, rows.output)
        reads, writes = times(library, backward_name(rows), inputs, 0, output, rows.scratch)
        distance = rows.above
        for below in (distance, *rng.integers(distance, distance + reads.size, SHIFTS)):
            assert not conflicts(reads, writes, -int(below)), f"{backward_name(rows)} may not lie {below} bytes above its input"
        yield 0, distance < reads.size


def test_random_chains(tmp_path: Path) -> None:
    found = list[tuple[int, bool]]()
    for seed in range(NETWORKS):
        program, memory = forced(seed)
        found += stated(program, memory, tmp_path / str(seed))
    assert sum(shared for _, shared in found) > NETWORKS // 2
    assert sum(slack == 0 for slack, shared in found if shared) > sum(shared for _, shared in found) // 3, "the distances are too careful"


@pytest.mark.skipif(not MODELS.is_dir(), reason="set TINYKD_CONFORMANCE to a folder of .tflite files")
def test_chains_of_models(tmp_path: Path) -> None:
    found = list[tuple[int, bool]]()
    for path in sorted(MODELS.glob("*.tflite")):
        for features in ((), ("dsp",)):
            graph = read_model(path.read_bytes(), path.stem)
            program = specialise(compile_graph(graph, with_also=("integer-io",)), features)
            found += stated(program, plan_for(program, "ram"), tmp_path / f"{path.stem}{len(features)}")
    assert found
