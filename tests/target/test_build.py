from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.target.fake_model import MODEL, write_fake_model
from tests.target.machines import CORES_AND_TOOLCHAINS, STRICT, TOOLCHAINS, fake_image, needs_gcc
from tinykd.errors import OverBudget, ToolError, UsageError
from tinykd.target import build as module
from tinykd.target.build import build
from tinykd.target.elf import read_elf
from tinykd.target.sizes import REST
from tinykd.target.targets import find_target
from tinykd.target.toolchain import find_toolchain

M4 = find_target("m4")


@pytest.mark.parametrize(("core", "toolchain"), CORES_AND_TOOLCHAINS)
def test_firmware_compiles_without_a_warning_for_every_core(core: str, toolchain: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert "-Werror" in STRICT
    image = fake_image(tmp_path_factory.getbasetemp(), core, toolchain)
    assert image.sizes is not None
    assert image.stack.bytes is not None, image.stack.unknown


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_the_same_sources_give_the_same_bytes_in_another_folder(toolchain: str, tmp_path: Path) -> None:
    found = find_toolchain(M4, toolchain)
    images = [build(write_fake_model(tmp_path / name, M4), M4, found).elf.read_bytes() for name in ("here", "there/and/deeper")]
    assert images[0] == images[1]
    assert str(tmp_path).encode() not in images[0]


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_sizes_are_those_of_the_sources(toolchain: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    sizes = fake_image(tmp_path_factory.getbasetemp(), "m4", toolchain).sizes
    assert sizes is not None
    assert sizes.weights_bytes == 16
    assert sizes.golden_bytes == 4 + 32 + 32
    assert sizes.arena_bytes == 64
    assert sizes.data_bytes == 8  # the two file handles of the port
    assert sizes.bss_bytes >= 64 + 256  # arena, command line
    assert sizes.flash_bytes == sizes.code_bytes + sizes.weights_bytes + sizes.golden_bytes + sizes.data_bytes
    assert sizes.ram_bytes - (sizes.stack_bytes + sizes.data_bytes + sizes.bss_bytes) in range(32)
    named = {o.source: o for o in sizes.objects}
    assert named["tinykd_fake_weights"].flash == 16
    assert named["main"].bss == 64 + 1  # arena, tag
    assert named["tinykd_fake"].code > 0
    assert sum(o.flash for o in sizes.objects) == sizes.flash_bytes
    assert named[REST].flash in range(400)  # what main says, who the model is, and the words of a fault


@needs_gcc
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_sizes_agree_with_binutils(toolchain: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    image = fake_image(tmp_path_factory.getbasetemp(), "m4", toolchain)
    assert image.sizes is not None
    listed = subprocess.run(["arm-none-eabi-size", "-A", str(image.elf)], capture_output=True, text=True, check=True).stdout
    rows = {cells[0]: int(cells[1]) for line in listed.splitlines() if len(cells := line.split()) == 3 and cells[1].isdigit()}
    assert image.sizes.flash_bytes == sum(rows[name] for name in (".vectors", ".text", ".rodata", ".data"))
    assert image.sizes.stack_bytes == rows[".stack"]
    assert (image.sizes.data_bytes, image.sizes.bss_bytes) == (rows[".data"], rows[".bss"])


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_an_image_that_just_fits_is_built_and_one_byte_less_is_over_budget(toolchain: str, tmp_path: Path) -> None:
    found, tree = find_toolchain(M4, toolchain), write_fake_model(tmp_path, M4)
    need = build(tree, M4, found).sizes
    assert need is not None
    exact = build(tree, M4, found, flash_bytes=need.flash_bytes, ram_bytes=need.ram_bytes)
    assert exact.sizes == need
    with pytest.raises(OverBudget, match=rf"flash {need.flash_bytes} of {need.flash_bytes - 1} bytes \(.*main"):
        build(tree, M4, found, flash_bytes=need.flash_bytes - 1)
    with pytest.raises(OverBudget, match=rf"RAM {need.ram_bytes} of {need.ram_bytes - 1} bytes \(arena 64, stack"):
        build(tree, M4, found, ram_bytes=need.ram_bytes - 1)
    assert not exact.elf.exists(), "an image over budget must not stay behind"


@needs_gcc
@pytest.mark.parametrize(
    ("symbol", "words"), [("TINYKD_RAM_BYTES", "RAM budget|overflowed"), ("TINYKD_FLASH_BYTES", "flash budget|overflowed")]
)
def test_the_linker_script_refuses_too_by_itself(symbol: str, words: str, tmp_path: Path) -> None:
    tree, gcc = write_fake_model(tmp_path, M4), find_toolchain(M4, "gcc")
    image = build(tree, M4, gcc)
    objects = sorted(image.elf.parent.glob("*.o"))
    command = gcc.link(M4.core, objects, tree / "firmware" / "link.ld", {symbol: 512}, tmp_path / "refused.elf")
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    assert outcome.returncode != 0
    assert any(word in outcome.stderr for word in words.split("|")), outcome.stderr


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_compile_errors_show_the_compilers_words(toolchain: str, tmp_path: Path) -> None:
    tree = write_fake_model(tmp_path, M4, MODEL.replace("return 0;", "return nothing;"))
    with pytest.raises(ToolError, match=r"(?s)tinykd_fake.c.*nothing"):
        build(tree, M4, find_toolchain(M4, toolchain))


def test_an_empty_tree_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="no C sources"):
        build(tmp_path, M4, find_toolchain(M4))


def test_a_budget_beyond_the_board_is_refused(tmp_path: Path) -> None:
    microbit = find_target("microbit")
    with pytest.raises(UsageError, match=r"RAM budget of 16385 bytes on microbit, which has 16384"):
        build(write_fake_model(tmp_path, microbit), microbit, find_toolchain(microbit), ram_bytes=16385)


def test_unknown_optimization_and_toolchain(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="fast"):
        build(tmp_path, M4, find_toolchain(M4), optimize="fast")
    with pytest.raises(ToolError, match="iar"):
        find_toolchain(M4, "iar")


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_optimize_changes_the_model_only(toolchain: str, tmp_path: Path) -> None:
    tree, found = write_fake_model(tmp_path, M4), find_toolchain(M4, toolchain)
    by_level = {level: read_elf(build(tree, M4, found, optimize=level).elf) for level in ("size", "speed")}
    mains = {level: elf.symbol("main") for level, elf in by_level.items()}
    models = {level: elf.symbol("tinykd_fake_invoke") for level, elf in by_level.items()}
    assert mains["size"] is not None
    assert mains["speed"] is not None
    assert mains["size"].bytes == mains["speed"].bytes
    assert models["size"] is not None
    assert models["speed"] is not None
    assert (models["size"].bytes < models["speed"].bytes) == (toolchain not in module.BEST)


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_only_what_changed_is_compiled_again(toolchain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, tree = find_toolchain(M4, toolchain), write_fake_model(tmp_path, M4)
    compiled = list[str]()
    run = module._run

    def recorded(command: tuple[str, ...], folder: Path) -> None:
        compiled.extend(Path(word).stem for word in command if word.endswith(".c"))
        run(command, folder)

    monkeypatch.setattr(module, "_run", recorded)

    def build_again(*, trace: bool = False, optimize: str = "balanced") -> tuple[list[str], bytes, int | None]:
        compiled.clear()
        image = build(tree, M4, found, trace=trace, optimize=optimize)
        return sorted(compiled), image.elf.read_bytes(), image.stack.bytes

    everything, first, stack = build_again()
    assert {"main", "port", "core", "tinykd_fake", "tinykd_fake_weights"} < set(everything)
    assert build_again() == ([], first, stack)
    assert build_again(trace=True)[0] == ["main", "tinykd_fake"]  # the others do not know of it
    model = ["tinykd_fake", "tinykd_fake_constants", "tinykd_fake_golden", "tinykd_fake_weights"]
    assert build_again(optimize="size")[0] == ([] if toolchain in module.BEST else model)
    weights = tree / "src" / "tinykd_fake_weights.c"
    text = weights.read_text()
    weights.write_text(text.replace("{1,", "{2,"))
    changed, other, _ = build_again()
    assert changed == ["tinykd_fake_weights"]
    assert other != first
    weights.write_text(text)
    assert build_again() == ([], first, stack)
    header = tree / "include" / "tinykd_model.h"
    header.write_text(header.read_text() + "/* changed */\n")
    assert build_again() == (everything, first, stack)
