"""The C kernels as a shared library: each operator's `Call` run on the host through ctypes, under sanitizers."""

from __future__ import annotations

import ctypes
import functools
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tinykd.compile.graph import Array
from tinykd.compile.ops.operator import Call, Short, Table
from tinykd.resources import firmware_folder

WARNINGS = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-pedantic", "-Werror"]
SANITIZERS = ["-fsanitize=undefined", "-fno-sanitize-recover=all"]
GUARD = 64


def host_compiler() -> list[str]:
    """The machine's C compiler, or zig's from PyPI where it has none."""
    return ["cc"] if shutil.which("cc") else [sys.executable, "-m", "ziglang", "cc"]


@functools.cache
def library() -> ctypes.CDLL:
    """All portable kernels, compiled by the host's cc with every warning an error and undefined behaviour fatal."""
    folder = Path(tempfile.mkdtemp(prefix="tinykd-kernels-"))
    sources = sorted((firmware_folder() / "kernels").glob("**/*.c"))
    assert sources, "no kernels to test"
    target = folder / "kernels.so"
    command = [*host_compiler(), "-O1", "-g", "-shared", "-fPIC", *WARNINGS, *SANITIZERS, f"-I{firmware_folder() / 'include'}"]
    subprocess.run([*command, *map(str, sources), "-o", str(target)], check=True)
    return ctypes.CDLL(str(target))


def parameters(call: Call) -> tuple[ctypes.Structure, dict[str, Array]]:
    """The kernel's parameter struct, and the tables that it points to, which must outlive it."""
    tables = {name: _flat(value) for name, value in call.fields.items() if isinstance(value, Table)}
    kinds = [(name, ctypes.c_void_p if name in tables else _integer(value)) for name, value in call.fields.items()]
    structure = type("Parameters", (ctypes.Structure,), {"_fields_": kinds})
    return structure(*(tables[name].ctypes.data if name in tables else value for name, value in call.fields.items())), tables


def run(call: Call, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
    """Run one kernel call; `outputs`, then states, are overwritten. Bytes around each of them must stay untouched.

    The parameter struct is laid out from `call.fields` in order, so a struct that differs from its C declaration fails.
    """
    structure, _tables = parameters(call)
    guarded = [np.full(output.nbytes + 2 * GUARD, 0x5A, np.uint8) for output in outputs]
    results, states = guarded[: len(outputs) - len(call.states)], guarded[len(outputs) - len(call.states) :]
    fed = [np.ascontiguousarray(value) for value in inputs[: len(call.inputs)]]
    for buffer, value in zip(states, inputs[len(call.inputs) :], strict=True):
        buffer[GUARD : GUARD + value.nbytes] = np.ascontiguousarray(value).view(np.uint8).ravel()
    scratch = np.zeros(call.scratch + 8, np.uint8)
    arguments = [ctypes.byref(structure)]
    arguments += [ctypes.c_void_p(value.ctypes.data) for value in fed]
    arguments += [ctypes.c_void_p(buffer.ctypes.data + GUARD) for buffer in (*states, *results)]
    if call.scratch:
        arguments.append(ctypes.c_void_p(scratch.ctypes.data))
    function = getattr(library(), call.function)
    function.restype = None
    function(*arguments)
    for output, buffer in zip(outputs, guarded, strict=True):
        assert (buffer[:GUARD] == 0x5A).all(), "the kernel wrote outside its output"
        assert (buffer[GUARD + output.nbytes :] == 0x5A).all(), "the kernel wrote outside its output"
        output[...] = buffer[GUARD : GUARD + output.nbytes].view(output.dtype).reshape(output.shape)


def _integer(value: int | Table) -> type[ctypes.c_int16] | type[ctypes.c_int32]:
    return ctypes.c_int16 if isinstance(value, Short) else ctypes.c_int32


def _flat(table: Table) -> Array:
    dtype = table.ctype.removesuffix("_t")
    return np.ascontiguousarray(np.asarray(table.values).astype(dtype))
