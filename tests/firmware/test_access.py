"""Distances of operators against the kernels themselves: every load and store is traced, on every case of every row."""

from __future__ import annotations

import ctypes
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest

from tests import kernels
from tinykd.compile.ops import OPERATORS
from tinykd.compile.ops.operator import Call, apart
from tinykd.compile.reader import read_model
from tinykd.compile.writer import write_model
from tinykd.resources import firmware_folder

SEEDS = 60
OVERLAPPING = [kind for kind, row in OPERATORS.items() if row.distances is not apart]


TRACER = Path(__file__).parent / "tracer.c"


def instrumented(source: Path, includes: list[Path], target: Path) -> None:
    """Compile `source` with a call at each access."""
    flags = ["-O1", "-fPIC", "-fno-builtin", "-fno-tree-loop-distribute-patterns", "-fsanitize=thread"]
    subprocess.run(["cc", *flags, *(f"-I{path}" for path in includes), "-c", str(source), "-o", str(target)], check=True)


@functools.cache
def traced_kernels() -> tuple[Path, ...]:
    """All kernels with a call at each access, as objects."""
    folder = Path(tempfile.mkdtemp(prefix="tinykd-traced-"))
    for source in sorted((firmware_folder() / "kernels").glob("**/*.c")):
        instrumented(source, [firmware_folder() / "include"], folder / f"{source.parent.name}_{source.stem}.o")
    return tuple(sorted(folder.glob("*.o")))


@functools.cache
def traced() -> ctypes.CDLL:
    """All kernels and the tracer that answers."""
    target = Path(tempfile.mkdtemp(prefix="tinykd-traced-")) / "traced.so"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", str(TRACER), *map(str, traced_kernels()), "-o", str(target)], check=True)
    return ctypes.CDLL(str(target))


def measured_distance(call: Call, inputs: list[np.ndarray], position: int, output: np.ndarray) -> int:
    """Run the kernel and find the least distance at which no byte written lies at or above one read later."""
    fed = [np.ascontiguousarray(x) for x in inputs]
    reads, writes = np.zeros(fed[position].nbytes, np.uint64), np.zeros(output.nbytes, np.uint64)
    library = traced()
    library.trace_begin(
        ctypes.c_void_p(fed[position].ctypes.data), ctypes.c_size_t(fed[position].nbytes),
        ctypes.c_void_p(output.ctypes.data), ctypes.c_size_t(output.nbytes),
        ctypes.c_void_p(reads.ctypes.data), ctypes.c_void_p(writes.ctypes.data),
    )  # fmt: skip
    structure, keep = kernels.parameters(call)
    arguments = [ctypes.byref(structure), *(ctypes.c_void_p(x.ctypes.data) for x in fed), ctypes.c_void_p(output.ctypes.data)]
    scratch = np.zeros(call.scratch + 8, np.uint8)
    if call.scratch:
        arguments.append(ctypes.c_void_p(scratch.ctypes.data))
    function = getattr(library, call.function)
    function.restype = None
    function(*arguments)
    assert keep is not None
    assert writes.all(), "the tracer missed a write"
    # input byte i, last read at reads[i], must lie above every output byte written before: i + distance >= w + 1
    order = np.argsort(writes)
    reached = np.maximum.accumulate(order + 1)
    times = writes[order]
    needed = 0
    for i in np.flatnonzero(reads):
        before = int(np.searchsorted(times, reads[i]))
        if before:
            needed = max(needed, int(reached[before - 1]) - int(i))
    return needed


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler with -fsanitize=thread on the PATH")
@pytest.mark.parametrize("kind", OVERLAPPING)
def test_distances_are_those_of_the_kernel(kind: str) -> None:
    row = OPERATORS[kind]
    stated = exact = 0
    for seed in range(SEEDS):
        case = row.cases(np.random.default_rng([seed, row.code]))
        graph = read_model(write_model(case.graph))
        (op,) = graph.ops
        parameters = row.lower(graph, op, "single")
        call = row.call(parameters)
        if not isinstance(call, Call):
            continue
        operands = [graph.tensors[op.inputs[k]].data if graph.tensors[op.inputs[k]].is_constant else None for k in call.inputs]
        supplied = iter(case.inputs)
        inputs = [next(supplied) if data is None else data for data in operands]
        for position, distance in enumerate(row.distances(parameters)):
            if distance is None or operands[position] is not None:
                continue
            result = graph.tensors[op.outputs[0]]
            output = np.zeros(result.shape, result.dtype)
            needed = measured_distance(call, inputs, position, output)
            assert distance >= needed, f"seed {seed}: {kind} may not overwrite its input at {distance} bytes, the kernel needs {needed}"
            stated, exact = stated + 1, exact + (distance == needed)
    assert stated > SEEDS // 4, "too few cases state a distance"
    assert exact >= stated // 2, f"{kind}: only {exact} of {stated} distances are the least possible"


def test_some_operators_overwrite_their_input() -> None:
    assert {"CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "SOFTMAX", "RELU", "MAX_POOL_2D", "FULLY_CONNECTED"} <= set(OVERLAPPING)
