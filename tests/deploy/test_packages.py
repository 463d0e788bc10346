"""`tinykd export --format`: each package built as its framework would build it, in a path with spaces, and its example run."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.deploy.packages import STANDINS, STRICT, agrees, compiled_c, compiled_cpp, linked, package, program, run, toolbox
from tinykd.compile.emit.tflite_array import resolver_methods
from tinykd.deploy.package import write_array, write_package
from tinykd.deploy.source import open_source
from tinykd.target.packages.formats import FORMATS

needs_cmake = pytest.mark.skipif(not (program("cmake") and program("ninja")), reason="needs CMake and ninja, of the dev extra")
ARM = "arm-none-eabi-"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "my libs (new)"
    folder.mkdir()
    return folder


def written(form: str, place: Path) -> Path:
    """The package's folder."""
    write_package(package(), form, place)
    return place / FORMATS[form].folder.format(prefix="tinykd_small")


def configured(source: Path, to: Path, *options: str, **variables: str) -> Path:
    """A CMake project, configured and built."""
    run("cmake", "-G", "Ninja", "-S", source, "-B", to, *options, **variables)
    run("cmake", "--build", to)
    return to


@pytest.mark.parametrize("form", FORMATS)
def test_generated_code_is_the_same_in_all(form: str, place: Path) -> None:
    folder = written(form, place)
    for name in ("tinykd_small.h", "tinykd_small.c", "tinykd_small_golden.h"):
        found = list(folder.rglob(name))
        assert len(found) == 1
        expected = {"h": package().header, "c": package().source}[name[-1]] if "golden" not in name else package().golden
        assert found[0].read_text() == expected
    assert list(folder.rglob("README.md"))
    assert next(iter(folder.rglob("LICENSE"))).read_text().lstrip().startswith("Apache License")


@pytest.mark.parametrize("form", FORMATS)
def test_same_model_same_package(form: str, tmp_path: Path) -> None:
    contents = []
    for name in ("one", "two"):
        paths = write_package(package(), form, tmp_path / name)
        contents.append({path.relative_to(tmp_path / name).as_posix(): path.read_bytes() for path in paths})
    assert contents[0] == contents[1]
    assert str(tmp_path) not in str(contents[0])


@needs_cmake
def test_cmake_builds_and_tests(place: Path, tmp_path: Path) -> None:
    folder = written("cmake", place)
    built = configured(folder, tmp_path / "built here", "-DCMAKE_C_FLAGS=" + " ".join(STRICT))
    run("ctest", "--test-dir", built)
    assert agrees(run(built / "example" / "tinykd_small_example").stdout)


@needs_cmake
@pytest.mark.parametrize("way", ["add_subdirectory", "find_package"])
def test_cmake_library_in_another_project(way: str, place: Path, tmp_path: Path) -> None:
    folder = written("cmake", place)
    options = []
    if way == "find_package":
        run("cmake", "--install", configured(folder, tmp_path / "built"), "--prefix", tmp_path / "installed here")
        options = [f"-DCMAKE_PREFIX_PATH={tmp_path / 'installed here'}"]
        take = "find_package(tinykd_small 1.2 CONFIG REQUIRED)"
    else:
        take = f'add_subdirectory("{folder}" tinykd_small)'
    user = tmp_path / "firmware"
    user.mkdir()
    for name in ("main.c", "tinykd_small_golden.h"):
        shutil.copy(folder / "example" / name, user)
    (user / "CMakeLists.txt").write_text(
        f"cmake_minimum_required(VERSION 3.13)\nproject(firmware C)\n{take}\n"
        "add_executable(firmware main.c)\ntarget_link_libraries(firmware PRIVATE tinykd::small)\n"
    )
    built = configured(user, tmp_path / "built firmware", *options)
    assert agrees(run(built / "firmware").stdout)
    assert not (built / "tinykd_small" / "example").exists(), "a program for stdout would not link in a bare-metal project"


@pytest.mark.skipif(not program("make"), reason="needs make")
def test_make_builds_and_checks(place: Path) -> None:
    folder = written("make", place)
    assert agrees(run("make", "check", folder=folder).stdout)
    assert (folder / "build" / "libtinykd_small.a").exists()
    assert "up to date" in run("make", folder=folder).stdout


@pytest.mark.skipif(not (program("make") and program(f"{ARM}gcc")), reason="needs make and GCC for Arm")
def test_make_builds_for_a_core(place: Path) -> None:
    folder = written("make", place)
    run("make", f"CROSS={ARM}", f"CC={ARM}gcc", "CORE=-mcpu=cortex-m4 -mthumb", folder=folder)
    assert "T tinykd_small_invoke" in run(f"{ARM}nm", folder / "build" / "libtinykd_small.a").stdout


def arduino_objects(folder: Path, tmp_path: Path) -> tuple[Path, Path]:
    """The sketch as the IDE makes C++ of it, and its folder."""
    sketch = folder / "examples" / "golden_vectors" / "golden_vectors.ino"
    cpp = tmp_path / "golden_vectors.ino.cpp"
    cpp.write_text(f'#include <Arduino.h>\n#line 1 "{sketch}"\n{sketch.read_text()}')
    return cpp, sketch.parent


def test_arduino_library_and_sketch(place: Path, tmp_path: Path) -> None:
    """C as C, the sketch as C++, include paths of the library's `src` only, as arduino-cli has them."""
    folder = written("arduino", place)
    cpp, sketch = arduino_objects(folder, tmp_path)
    arduino, library = STANDINS / "arduino", folder / "src"
    objects = [compiled_c(source, [library], tmp_path / f"{source.stem}.o", "-std=gnu11", "-Os") for source in sorted(library.glob("*.c"))]
    objects.append(compiled_cpp(cpp, [arduino, library, sketch], tmp_path / "sketch.o"))
    objects.append(compiled_cpp(arduino / "main.cpp", [arduino], tmp_path / "main.o"))
    assert agrees(run(linked(objects, tmp_path / "sketch")).stdout)


@pytest.mark.skipif(not program(f"{ARM}g++"), reason="needs G++ for Arm")
@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m4", "cortex-m33"])
def test_arduino_library_and_sketch_compile_for_a_board(core: str, place: Path, tmp_path: Path) -> None:
    folder = written("arduino", place)
    cpp, sketch = arduino_objects(folder, tmp_path)
    (tmp_path / "Arduino.h").write_text(
        "#include <stdint.h>\n#include <string.h>\n"
        "struct Print { void begin(unsigned long); template <class T> void print(T); template <class T> void println(T); };\n"
        "extern Print Serial;\nunsigned long micros();\nvoid delay(unsigned long);\n"
    )
    flags = [f"-mcpu={core}", "-mthumb", "-Os", "-ffunction-sections", "-c"]
    c_object, cpp_object = tmp_path / "library.o", tmp_path / "sketch.o"
    run(f"{ARM}gcc", "-std=gnu11", *STRICT, *flags, folder / "src" / "tinykd_small.c", "-o", c_object)
    include = [f"-I{tmp_path}", f"-I{folder / 'src'}", f"-I{sketch}"]
    run(f"{ARM}g++", "-std=gnu++11", "-fno-exceptions", "-fno-rtti", *STRICT, *flags, *include, cpp, "-o", cpp_object)
    undefined = run(f"{ARM}nm", "-u", cpp_object).stdout
    assert "U tinykd_small_invoke\n" in undefined, "the sketch looks for a name that C does not define"


@pytest.mark.parametrize("framework", ["native", "arduino"])
def test_platformio_library_and_example(framework: str, place: Path, tmp_path: Path) -> None:
    folder = written("platformio", place)
    arduino, example = STANDINS / "arduino", folder / "examples" / "golden_vectors" / "src"
    chosen = ["-DARDUINO=10819"] if framework == "arduino" else []
    objects = [
        compiled_c(folder / "src" / "tinykd_small.c", [folder / "include"], tmp_path / "library.o"),
        compiled_cpp(example / "main.cpp", [folder / "include", *[arduino] * len(chosen)], tmp_path / "example.o", *chosen),
    ]
    if chosen:
        objects.append(compiled_cpp(arduino / "main.cpp", [arduino], tmp_path / "main.o"))
    assert agrees(run(linked(objects, tmp_path / "example")).stdout)


@needs_cmake
def test_zephyr_module_and_sample(place: Path, tmp_path: Path) -> None:
    folder = written("zephyr", place)
    built = configured(folder / "samples" / "golden_vectors", tmp_path / "built here", f"-DZephyr_DIR={STANDINS / 'zephyr'}")
    assert agrees(run(built / "zephyr_final").stdout)


@needs_cmake
def test_zephyr_module_is_nothing_unless_switched_on(place: Path, tmp_path: Path) -> None:
    folder = written("zephyr", place)
    sample = folder / "samples" / "golden_vectors"
    (sample / "prj.conf").write_text("CONFIG_OTHER=y\n")
    run("cmake", "-G", "Ninja", "-S", sample, "-B", tmp_path / "built", f"-DZephyr_DIR={STANDINS / 'zephyr'}")
    assert not (tmp_path / "built" / "libtinykd_small.a").exists()
    assert "tinykd_small.c" not in (tmp_path / "built" / "build.ninja").read_text()


@needs_cmake
def test_esp_idf_component_and_project(place: Path, tmp_path: Path) -> None:
    folder = written("esp-idf", place)
    built = configured(folder / "examples" / "golden_vectors", tmp_path / "built here", IDF_PATH=str(STANDINS / "esp-idf"))
    assert agrees(run(built / "tinykd_small_golden_vectors").stdout)


def test_cmsis_pack_component(place: Path, tmp_path: Path) -> None:
    """The .pack alone, unpacked, with the files and include folders that the component of its .pdsc names."""
    written("cmsis-pack", place)
    unpacked = tmp_path / "unpacked here"
    with zipfile.ZipFile(io.BytesIO((place / "tinykd.small.1.2.3.pack").read_bytes())) as archive:
        archive.extractall(unpacked)
    component = ElementTree.parse(unpacked / "tinykd.small.pdsc").getroot().find("components/component")
    assert component is not None
    listed = [file.attrib for file in component.iter("file")]
    include = [unpacked / file["name"] for file in listed if file["category"] == "include"]
    sources = [unpacked / file["name"] for file in listed if file["category"] == "source"]
    objects = [compiled_c(path, include, tmp_path / f"{k}.o", "-std=c99") for k, path in enumerate(sources)]
    assert len(objects) == 2
    assert agrees(run(linked(objects, tmp_path / "example")).stdout)


def test_single_file_and_example(place: Path) -> None:
    folder = written("single-file", place)
    assert sorted(path.name for path in folder.iterdir()) == ["tinykd_small.c", "tinykd_small.h", "tinykd_small_example"]
    run("cc", "-std=c99", "-pedantic", *STRICT, "-I.", "tinykd_small.c", "tinykd_small_example/main.c", "-o", "example", folder=folder)
    assert agrees(run(folder / "example").stdout)


def test_renamed_to_cpp_is_refused_in_words(place: Path, tmp_path: Path) -> None:
    folder = written("single-file", place)
    (folder / "tinykd_small.c").rename(folder / "tinykd_small.cpp")
    command = ["c++", "-I.", "-c", "tinykd_small.cpp", "-o", str(tmp_path / "x.o")]
    outcome = subprocess.run(command, cwd=folder, env=toolbox(), capture_output=True, text=True, check=False)
    assert outcome.returncode != 0
    assert "its name must end in .c" in outcome.stderr


def test_example_fails_where_an_integer_differs(place: Path, tmp_path: Path) -> None:
    folder = written("single-file", place)
    source = (folder / "tinykd_small.c").read_text()
    start = re.search(r"^(?!extern).*const int8_t tinykd_small_\w+\[\d+\] = ", source, re.MULTILINE)
    assert start is not None
    digit = next(k for k in range(start.end(), len(source)) if source[k].isdigit())
    (folder / "tinykd_small.c").write_text(source[:digit] + ("1" if source[digit] != "1" else "2") + source[digit + 1 :])
    run("cc", "-I.", "tinykd_small.c", "tinykd_small_example/main.c", "-o", "example", folder=folder)
    outcome = subprocess.run([str(folder / "example")], capture_output=True, text=True, check=False)
    assert outcome.returncode == 1
    assert not agrees(outcome.stdout)


def test_array_with_the_example_for_tflite_micro(model: Path, place: Path, tmp_path: Path) -> None:
    paths = write_array(open_source(model), place)
    assert {path.relative_to(place).as_posix() for path in paths} == {
        "tinykd_small_tflite.h",
        "tinykd_small_tflite.c",
        "tinykd/compiler.h",
        "tinykd_small_tflite_example/main.cc",
        "tinykd_small_tflite_example/README.md",
    }
    objects = [
        compiled_c(place / "tinykd_small_tflite.c", [place], tmp_path / "array.o", "-std=c99"),
        compiled_cpp(place / "tinykd_small_tflite_example" / "main.cc", [place, STANDINS / "tflm"], tmp_path / "main.o"),
    ]
    assert "small: 8 bytes out" in run(linked(objects, tmp_path / "example")).stdout


@pytest.mark.parametrize(
    ("kinds", "methods"),
    [
        ({"CONV_2D", "DEPTHWISE_CONV_2D", "L2_POOL_2D"}, ("AddConv2D", "AddDepthwiseConv2D", "AddL2Pool2D")),
        ({"RELU6", "SPLIT_V", "PADV2"}, ("AddPadV2", "AddRelu6", "AddSplitV")),
        ({"UNIDIRECTIONAL_SEQUENCE_LSTM", "BATCH_MATMUL"}, ("AddBatchMatMul", "AddUnidirectionalSequenceLSTM")),
        ({"READ_VARIABLE", "ADD"}, ("AddAdd", "AddCallOnce", "AddReadVariable", "AddVarHandle")),
    ],
)
def test_methods_of_the_resolver(kinds: set[str], methods: tuple[str, ...]) -> None:
    """As tensorflow/lite/micro/micro_mutable_op_resolver.h spells them."""
    assert resolver_methods(kinds) == methods
