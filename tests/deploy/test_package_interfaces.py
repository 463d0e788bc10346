"""Examples of models whose interface is not one input and one output in one arena, as C and as C++."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.compile.row_networks import bottleneck_network
from tests.compile.test_integer_io import with_ends
from tests.compile.test_outside import input_also_out, output_twice, reshaped, state_also_out
from tests.deploy.packages import STANDINS, STRICT, compiled_c, compiled_cpp, linked, package_of_model, run
from tinykd.compile.graph import Graph, Op, Quant, Tensor
from tinykd.compile.ops.add import AddOptions
from tinykd.compile.writer import write_model
from tinykd.target.packages.formats import FORMATS
from tinykd.target.packages.package import Package


def two_inputs() -> Graph:
    quant = Quant((0.5,), (3,))
    tensors = tuple(Tensor(name, (1, 4, 3), "int8", quant, source=k) for k, name in enumerate(("left", "right", "sum")))
    return Graph(tensors, (Op("ADD", (0, 1), (2,), AddOptions()),), (0, 1), (2,), "two")


def floats() -> Graph:
    return with_ends("float32")


GRAPHS: tuple[Callable[[], Graph], ...] = (two_inputs, input_also_out, output_twice, state_also_out, reshaped, floats, bottleneck_network)


def built(package: Package, form: str, folder: Path) -> Path:
    """The example as a program of this machine."""
    for path, text in FORMATS[form].files(package).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    if form == "single-file":
        sources = [folder / f"{package.prefix}.c", folder / f"{package.prefix}_example" / "main.c"]
        objects = [compiled_c(source, [folder], source.with_suffix(".o"), "-std=c99", "-pedantic") for source in sources]
        return linked(objects, folder / "example")
    sketch = folder / "examples" / "golden_vectors"
    cpp = sketch / "sketch.cpp"
    cpp.write_text(f"#include <Arduino.h>\n{(sketch / 'golden_vectors.ino').read_text()}")
    arduino, library = STANDINS / "arduino", folder / "src"
    return linked(
        [
            compiled_c(library / f"{package.prefix}.c", [library], folder / "library.o", "-std=gnu11"),
            compiled_cpp(cpp, [arduino, library], folder / "sketch.o"),
            compiled_cpp(arduino / "main.cpp", [arduino], folder / "main.o"),
        ],
        folder / "example",
    )


@pytest.mark.parametrize("io", ["arena", "outside"])
@pytest.mark.parametrize("form", ["single-file", "arduino"])
@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph.__name__)
def test_example_of_every_interface(graph: Callable[[], Graph], form: str, io: str, tmp_path: Path) -> None:
    package = package_of_model(write_model(graph()), io=io)
    shown = run(built(package, form, tmp_path)).stdout
    assert "golden vectors, 0 output bytes differ" in shown
    assert "small: 0 golden" not in shown


def test_example_with_an_arena_in_two_banks(tmp_path: Path) -> None:
    package = package_of_model(write_model(bottleneck_network()), arena=("psram=256B", "ram=64KiB"))
    assert "psram[" in package.inference
    assert "0 output bytes differ" in run(built(package, "single-file", tmp_path)).stdout


def test_large_inputs_still_have_a_golden_vector(tmp_path: Path) -> None:
    """One inference is more than the flash that an image spends on golden vectors."""
    shape = (1, 64, 64, 3)
    quant = Quant((0.5,), (3,))
    tensors = tuple(Tensor(name, shape, "int8", quant, source=k) for k, name in enumerate(("left", "right", "sum")))
    graph = Graph(tensors, (Op("ADD", (0, 1), (2,), AddOptions()),), (0, 1), (2,), "large")
    package = package_of_model(write_model(graph))
    assert "small: 1 golden vectors, 0 output bytes differ" in run(built(package, "single-file", tmp_path)).stdout


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph.__name__)
@pytest.mark.parametrize("io", ["arena", "outside"])
def test_usage_of_the_readme_compiles(graph: Callable[[], Graph], io: str, tmp_path: Path) -> None:
    package = package_of_model(write_model(graph()), io=io)
    block = [line[4:] for line in package.usage.splitlines() if line.startswith("    ")]
    static = [line for line in block if line.startswith("static ")]
    inside = [line for line in block if line and not line.startswith(("static ", "#"))]
    ends = [line.split("your_")[1].split(",")[0] for line in inside if "your_" in line]
    assert ends
    (tmp_path / f"{package.prefix}.h").write_text(package.header)
    text = ["#include <string.h>", f'#include "{package.prefix}.h"', *static, "void f(void);"]
    text += [f"extern const void *your_{end};" for end in ends] + ["void f(void)", "{", *inside, "}"]
    (tmp_path / "user.c").write_text("\n".join(text) + "\n")
    run("cc", "-std=c99", *STRICT, "-Wno-unused-variable", "-c", tmp_path / "user.c", "-o", tmp_path / "user.o")
