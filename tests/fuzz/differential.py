"""One model, four witnesses: LiteRT's reference kernels, NumPy, and C under sanitizers, plain and after every rewrite.

The C of many models is linked into one program with one copy of the kernels. Each arena, each bank's part of one, and each
buffer of the caller's is its own heap block of exactly the planned bytes, so the address sanitizer sees the first byte
beyond it. Where inputs, outputs and the arena lie is drawn from the model's name.
"""

from __future__ import annotations

import functools
import math
import os
import struct
import subprocess
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tests.kernels import WARNINGS, host_compiler
from tinykd.compile.emit import tree
from tinykd.compile.emit.library import kernel_library
from tinykd.compile.emit.names import Names
from tinykd.compile.emit.places import places
from tinykd.compile.graph import Array, Graph
from tinykd.compile.litert import ReferenceInterpreter
from tinykd.compile.ops.operator import View
from tinykd.compile.passes import chosen, compile_graph
from tinykd.compile.planner.banks import in_banks
from tinykd.compile.planner.outside import caller_buffers
from tinykd.compile.planner.plan import Plan, plan
from tinykd.compile.planner.streaming import plan_for
from tinykd.compile.program import Program
from tinykd.compile.reader import read_model
from tinykd.compile.simulate import simulate
from tinykd.compile.stream.schedule import LAYER_BY_LAYER
from tinykd.errors import UnsupportedModel
from tinykd.resources import firmware_folder

SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
_OUTPUT = 1 << 24
"""Records with this bit hold graph output number `id - _OUTPUT`, read through the accessor after the inference."""

NEEDED = ("unsigned-to-signed",)
"""Rewrites without which some models cannot be compiled."""

Values = dict[int, Array]


@dataclass(frozen=True, eq=False)
class Variant:
    """A program, what each of its tensors must be for each sample, and where its buffers lie."""

    name: str
    program: Program
    expected: tuple[Values, ...]
    plan: Plan


@dataclass(frozen=True, eq=False)
class Subject:
    """A model, its inputs, and the programs made of it."""

    name: str
    samples: tuple[tuple[Array, ...], ...]
    variants: tuple[Variant, ...]


def judged(model: bytes, graph: Graph, samples: Sequence[tuple[Array, ...]]) -> tuple[Values, ...]:
    """Every computed tensor of each sample by its number in the file, from LiteRT's reference kernels.

    Samples are inferences in a row: what the model remembers goes from one to the next.

    Raises:
        UnsupportedModel: LiteRT refuses the model.
    """
    interpreter, found = ReferenceInterpreter(model), []
    numbers = {graph.tensors[i].source for op in graph.ops for i in op.outputs} - {-1}
    # what a variable holds is seen by READ_VARIABLE; its own tensor is a handle, which LiteRT cannot show
    handles = {op.inputs[0] for op in graph.ops if op.kind in ("READ_VARIABLE", "ASSIGN_VARIABLE")}
    numbers |= {graph.tensors[state.tensor].source for state in graph.states if state.tensor not in handles}
    for sample in samples:
        interpreter.run(sample)
        found.append({number: interpreter.tensor(number).copy() for number in numbers})
    return tuple(found)


def _written(program: Program) -> list[int]:
    """Indices of all tensors that the program computes, states and outputs of the graph included."""
    return sorted({i for layer in program.layers for i in layer.written} | set(program.graph.outputs))


def _expected(program: Program, truth: tuple[Values, ...]) -> tuple[Values, ...]:
    """What each tensor of `program` must be: tensors that a rewrite made int8 of uint8 keep their number, less 128."""
    tensors = {i: program.tensor(i) for i in _written(program)}
    return tuple({i: _as(t.dtype, values[t.source]) for i, t in tensors.items() if t.source in values} for values in truth)


def _as(dtype: str, value: Array) -> Array:
    return (value ^ np.uint8(128)).view(np.int8) if (dtype, value.dtype.name) == ("int8", "uint8") else value


def subject(name: str, model: bytes, samples: Sequence[tuple[Array, ...]]) -> Subject:
    """Compile `model` plain, with all rewrites, row by row where that saves RAM, and in double rounding; `samples` are inferences in a row.

    Raises:
        UnsupportedModel: tinykd or LiteRT refuses the model.
    """
    graph = read_model(model, name)
    optional = [name for name in chosen() if name not in NEEDED]
    plain, rewritten = compile_graph(graph, without=optional), compile_graph(graph)
    truth = judged(model, graph, samples)
    variants = [_variant(f"{name}_{form}", one, _expected(one, truth)) for form, one in (("plain", plain), ("rewritten", rewritten))]
    by_rows = plan_for(rewritten, "ram", _ends(rewritten, f"{name}_rows"), 1.0)
    if by_rows.schedule != LAYER_BY_LAYER:
        drawn = in_some_banks(rewritten, by_rows, f"{name}_rows")
        variants.append(replace(_variant(f"{name}_rows", rewritten, _expected(rewritten, truth)), plan=drawn))
    try:
        double, double_rewritten = compile_graph(graph, "double", without=optional), compile_graph(graph, "double")
    except UnsupportedModel:  # some operators are computed for one rounding only
        return Subject(name, tuple(samples), tuple(variants))
    return Subject(name, tuple(samples), (*variants, _variant(f"{name}_double", double_rewritten, computed(double, samples))))


def _variant(name: str, program: Program, expected: tuple[Values, ...]) -> Variant:
    memory = in_some_banks(program, plan(program, outside=_ends(program, name)), name)
    return Variant(name, replace(program, graph=replace(program.graph, name=name)), expected, memory)


def _ends(program: Program, name: str) -> frozenset[int]:
    """Inputs and outputs in the arena or, in every third variant, the caller's."""
    return caller_buffers(program) if zlib.crc32(name.encode()) % 3 == 0 else frozenset()


def in_some_banks(program: Program, memory: Plan, name: str) -> Plan:
    """`memory` in one piece or, in every fourth variant, with a quarter to all of it in a bank of its own."""
    drawn = zlib.crc32(name.encode()) >> 8
    if drawn % 4 or not memory.buffers:
        return memory
    share = 1 + (drawn >> 2) % 4
    return in_banks(program, memory, {"fast": memory.arena_bytes * share // 4, "ram": 2 * memory.arena_bytes}, 0.2)


def computed(program: Program, samples: Sequence[tuple[Array, ...]]) -> tuple[Values, ...]:
    """Every tensor of each sample in NumPy, states carried on."""
    found: list[Values] = []
    states: Values | None = None
    for sample in samples:
        values = simulate(program, sample, states)
        states = {state.tensor: values[state.tensor] for state in program.graph.states}
        found.append({i: values[i] for i in _written(program) if i in values})
    return tuple(found)


def numpy_differences(one: Subject) -> list[str]:
    """Tensors in which the NumPy program differs from what is expected."""
    found = []
    for variant in one.variants:
        program = variant.program
        for number, (values, expected) in enumerate(zip(computed(program, one.samples), variant.expected)):
            where = f"NumPy: {variant.name} sample {number}"
            for index in _written(program):
                if index in expected:
                    found += _difference(where, program, index, values.get(index), expected[index])
    return found


def _difference(where: str, program: Program, index: int, got: Array | None, expected: Array) -> list[str]:
    reduced = program.tensor(index).reduced
    if got is None:  # folded to a constant
        got = program.tensor(index).data
    elif reduced is not None:  # a channel that was removed as constant must be that constant
        got, expected = reduced.restored(got), reduced.known_of(expected)
    if got is not None and got.shape == expected.shape and got.dtype == expected.dtype:
        if np.array_equal(got, expected, equal_nan=got.dtype.kind == "f"):
            return []
        detail = f"{int((got != expected).sum())} of {expected.size} elements differ"
    else:
        detail = f"is {None if got is None else (got.dtype, got.shape)}, not {(expected.dtype, expected.shape)}"
    made = [f"{layer.index} {layer.op.kind}" for layer in program.layers if index in layer.written]
    return [f"{where}: '{program.tensor(index).name}' of {', '.join(made) or 'a constant'}: {detail}"]


@functools.cache
def _kernels() -> tuple[Path, ...]:
    """All kernels as objects under sanitizers, compiled once a session."""
    folder = Path(tempfile.mkdtemp(prefix="tinykd-fuzz-kernels-"))
    sources = sorted((firmware_folder() / "kernels").glob("**/*.c"))
    assert sources, "no kernels to test"
    command = [*host_compiler(), "-O1", "-g", *WARNINGS, *SANITIZERS, f"-I{firmware_folder() / 'include'}", "-c"]
    for source in sources:
        subprocess.run([*command, str(source), "-o", str(folder / f"{source.parent.name}_{source.stem}.o")], check=True)
    return tuple(sorted(folder.glob("*.o")))


_MAIN = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tinykd_trace(int tensor, const void *data, uint32_t bytes);

static void record(uint32_t id, const void *data, uint32_t bytes)
{
    fwrite(&id, 4, 1, stdout);
    fwrite(&bytes, 4, 1, stdout);
    fwrite(data, 1, bytes, stdout);
}

void tinykd_trace(int tensor, const void *data, uint32_t bytes)
{
    record((uint32_t)tensor, data, bytes);
}

static void *memory_of(size_t bytes)
{
    void *memory = NULL;
    if (posix_memalign(&memory, 16, bytes) != 0) {
        exit(9);
    }
    memset(memory, 0x5A, bytes);
    return memory;
}

static void fed(void *target, size_t bytes)
{
    if (fread(target, 1, bytes, stdin) != bytes) {
        exit(8);
    }
}

"""


def _main(subjects: Sequence[Subject]) -> str:
    """A program that reads all samples from stdin and writes every tensor to stdout."""
    includes, body = [], []
    for one in subjects:
        for variant in one.variants:
            graph = variant.program.graph
            prefix = f"tinykd_{graph.name}"
            includes.append(f'#include "{prefix}.h"')
            where = places(variant.program, variant.plan, Names(graph.name))
            lines = ["    {"]
            for one_of in where.parameters:
                lines.append(f"        void *{one_of.name} = memory_of({prefix.upper()}_{one_of.name.upper()}_BYTES);")
            arenas, everything = (", ".join(p.name for p in listed) for listed in (where.arenas, where.parameters))
            lines += [f"        {prefix}_reset({arenas});"] if graph.states else []
            lines.append(f"        for (int s = 0; s < {len(one.samples)}; s++) {{")
            for role, indices in (("input", graph.inputs), ("output", graph.outputs)):
                if role == "output":
                    lines.append(f"        if ({prefix}_invoke({everything}) != 0) {{ return 7; }}")
                for k, index in enumerate(indices):
                    port = f"{role}{'' if len(indices) == 1 else f'_{k}'}"
                    port = port if where.ends else f"{prefix}_{port}({arenas})"
                    size = graph.tensors[index].bytes
                    lines.append(
                        f"        fed({port}, {size});" if role == "input" else f"        record({_OUTPUT + k}u, {port}, {size}u);"
                    )
            body += [*lines, "        }", *(f"        free({p.name});" for p in where.parameters), "    }"]
    return "\n".join(includes) + _MAIN + "int main(void)\n{\n" + "\n".join(body) + "\n    return 0;\n}\n"


def c_differences(subjects: Sequence[Subject], folder: Path) -> list[str]:
    """Compile all variants into one program under sanitizers, run it, and compare every tensor it computes."""
    library = kernel_library()
    kernels = {f"src/{path.split('/', 1)[1].replace('/', '_')}" for path in library if path.startswith("kernels/")}
    for one in subjects:
        for variant in one.variants:
            for path, text in tree.model_files(variant.program, variant.plan, library).items():
                if path not in kernels:
                    (folder / path).parent.mkdir(parents=True, exist_ok=True)
                    (folder / path).write_text(text)
    (folder / "src" / "main.c").write_text("#define _POSIX_C_SOURCE 200112L\n" + _main(subjects))
    sources = [folder / "src" / "main.c"]
    for one in subjects:
        for variant in one.variants:  # one translation unit a model: starting the compiler costs more than compiling
            prefix = f"tinykd_{variant.program.graph.name}"
            sources.append(folder / f"{prefix}.c")
            sources[-1].write_text(f'#include "src/{prefix}.c"\n#include "src/{prefix}_weights.c"\n')
    program = folder / "program"
    includes = [f"-I{folder / 'include'}", f"-I{folder / 'src'}"]
    command = [*host_compiler(), "-O0", *WARNINGS, *SANITIZERS, "-DTINYKD_TRACE", *includes, *map(str, sources), *map(str, _kernels())]
    subprocess.run([*command, "-lm", "-o", str(program)], check=True, capture_output=True, text=True)
    fed = b"".join(np.ascontiguousarray(x).tobytes() for one in subjects for _ in one.variants for sample in one.samples for x in sample)
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    outcome = subprocess.run([str(program)], input=fed, capture_output=True, check=False, timeout=300, env=environment)
    found = _read_records(subjects, outcome.stdout)
    if outcome.returncode != 0:
        found.append(f"C: exit {outcome.returncode}: {outcome.stderr.decode(errors='replace')[:3000]}")
    return found


def _read_records(subjects: Sequence[Subject], stream: bytes) -> list[str]:
    """What differs in the records: for each sample the tensors, whole or row by row, then the outputs."""
    found: list[str] = []
    at = 0
    for one in subjects:
        for variant in one.variants:
            program = variant.program
            traced = {i for layer in program.layers if not isinstance(layer.call, View) for i in layer.op.outputs}
            outputs = {_OUTPUT + k: i for k, i in enumerate(program.graph.outputs)}
            for number, expected in enumerate(variant.expected):
                where = f"C: {variant.name} sample {number}"
                records: dict[int, bytes] = {}
                while not outputs.keys() <= records.keys():
                    if at + 8 > len(stream):
                        return [*found, f"{where}: stops after {list(records)}"]
                    got, size = struct.unpack_from("<II", stream, at)
                    records[got] = records.get(got, b"") + stream[at + 8 : at + 8 + size]
                    at += 8 + size
                if records.keys() != traced | outputs.keys():
                    return [*found, f"{where}: records {sorted(records)} where {sorted(traced | outputs.keys())} are due"]
                for got, data in records.items():
                    found += _record_difference(where, variant, outputs.get(got, got), data, expected)
    if at != len(stream):
        found.append(f"C: {len(stream) - at} bytes that nothing expected")
    return found


def _record_difference(where: str, variant: Variant, index: int, data: bytes, expected: Values) -> list[str]:
    tensor = variant.program.tensor(index)
    rows = variant.plan.schedule.rows_computed(index)
    shape = tensor.shape if rows is None else (1, rows, *tensor.shape[2:])
    if len(data) * tensor.elements != tensor.bytes * math.prod(shape):
        return [f"{where}: {len(data)} bytes of '{tensor.name}' {tensor.dtype}{list(shape)}"]
    if index not in expected:
        return []
    want = expected[index] if rows is None else expected[index][:, :rows]
    return _difference(where, variant.program, index, np.frombuffer(data, tensor.dtype).reshape(shape), want)
