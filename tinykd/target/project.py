"""Build files of a generated tree: a Makefile and a CMake project, for those who build without tinykd."""

from __future__ import annotations

from collections.abc import Sequence

from tinykd.target.boards import Board
from tinykd.target.build import OPTIMIZE
from tinykd.target.targets import Target, devices


def project_files(
    name: str, target: Target, optimize: str, sources: Sequence[str], flash_bytes: int | None, ram_bytes: int | None
) -> dict[str, str]:
    """`Makefile` and `CMakeLists.txt`.

    Args:
        name: the model's C name without its prefix.
        optimize: key of `build.OPTIMIZE`.
        sources: the tree's `.c` files, by path.
        flash_bytes, ram_bytes: the budget; the board's own by default.
    """
    c_files = sorted(path for path in sources if path.endswith(".c"))
    make = _host_makefile if target.board is None else _board_makefile
    return {
        "Makefile": make(name, target, optimize, c_files, flash_bytes, ram_bytes),
        "CMakeLists.txt": _cmake(name, target, optimize, c_files, flash_bytes, ram_bytes),
    }


def _linker_symbols(board: Board, flash_bytes: int | None, ram_bytes: int | None) -> list[str]:
    numbers = {
        "TINYKD_FLASH_ORIGIN": board.flash.origin,
        "TINYKD_FLASH_BYTES": flash_bytes or board.budget.flash_bytes,
        "TINYKD_RAM_ORIGIN": board.ram.origin,
        "TINYKD_RAM_BYTES": ram_bytes or board.budget.ram_bytes,
    }
    return [f"-Wl,--defsym={symbol}={value:#x}" for symbol, value in numbers.items()]


def _board_makefile(
    name: str, target: Target, optimize: str, c_files: Sequence[str], flash_bytes: int | None, ram_bytes: int | None
) -> str:
    board = target.board
    assert board is not None
    program = [path for path in c_files if not path.startswith("board/")]
    run = ""
    if board.qemu is not None:
        run = f"""
# Repeats the golden vectors in the emulator; exits with 0 if every integer agrees.
run: build/firmware.elf
\t{" ".join([board.qemu.program, "-M", board.qemu.machine, *board.qemu.options])} -icount shift=0 -nographic -monitor none -serial none \\
\t  -semihosting-config enable=on,target=native -kernel $<
"""
    device = "".join(_device_rules(one, c_files, flash_bytes, ram_bytes) for one in devices(target))
    return f"""# Firmware of the model '{name}' for {board.name}: make, then make run. Written by tinykd.
CROSS ?= {target.core.gcc}
CC = $(CROSS)gcc
CFLAGS = -std=c99 {" ".join(target.core.gcc_flags)} {" ".join(OPTIMIZE[optimize])} -ffunction-sections -fdata-sections -fstack-usage \\
  -Wall -Wextra -Iinclude -Isrc -Ifirmware
LDFLAGS = -nostdlib -nostartfiles -T firmware/link.ld -Wl,--gc-sections -Wl,--build-id=none \\
  {" ".join(_linker_symbols(board, flash_bytes, ram_bytes))}
SOURCES = {" ".join(program)}
OBJECTS = $(patsubst %.c,build/objects/%.o,$(SOURCES))

build/firmware.elf: $(OBJECTS) firmware/link.ld
\t$(CC) {" ".join(target.core.gcc_flags)} $(LDFLAGS) $(OBJECTS) -lgcc -o $@
\t$(CROSS)size $@

build/objects/%.o: %.c
\t@mkdir -p $(@D)
\t$(CC) $(CFLAGS) -c $< -o $@
{run}{device}
clean:
\trm -rf build

.PHONY: run board clean
"""


def _device_rules(target: Target, c_files: Sequence[str], flash_bytes: int | None, ram_bytes: int | None) -> str:
    """How to make the firmware of the board itself."""
    board = target.board
    assert board is not None
    objects = " ".join(f"build/objects/{path.removesuffix('.c')}.o" for path in c_files if not path.startswith("firmware/"))
    return f"""
# The firmware of the board itself, which answers over {board.console.uart if board.console else "its console"}.
board: build/board.elf

build/board.elf: {objects} board/link.ld
\t$(CC) {" ".join(target.core.gcc_flags)} -nostdlib -nostartfiles -T board/link.ld -Wl,--gc-sections -Wl,--build-id=none \\
\t  {" ".join(_linker_symbols(board, flash_bytes, ram_bytes))} $(filter %.o,$^) -lgcc -o $@
\t$(CROSS)size $@
"""


def _host_makefile(name: str, _: Target, optimize: str, c_files: Sequence[str], __: int | None, ___: int | None) -> str:
    return f"""# The model '{name}' on this machine: make, then make run. Written by tinykd.
CC ?= cc
CFLAGS = -std=c99 {" ".join(OPTIMIZE[optimize])} -Wall -Wextra -Iinclude -Isrc -Ifirmware
SOURCES = {" ".join(c_files)}
OBJECTS = $(patsubst %.c,build/objects/%.o,$(SOURCES))

build/firmware: $(OBJECTS)
\t$(CC) $(OBJECTS) -o $@

build/objects/%.o: %.c
\t@mkdir -p $(@D)
\t$(CC) $(CFLAGS) -c $< -o $@

# Repeats the golden vectors; exits with 0 if every integer agrees.
run: build/firmware
\t./build/firmware </dev/null >/dev/null

clean:
\trm -rf build

.PHONY: run clean
"""


def _cmake(name: str, target: Target, optimize: str, c_files: Sequence[str], flash_bytes: int | None, ram_bytes: int | None) -> str:
    only_firmware = {f"src/tinykd_{name}_{part}.c" for part in ("golden", "constants", "memory")}
    model = [path for path in c_files if path.startswith("src/") and path not in only_firmware]
    firmware = [path for path in c_files if path not in model and not path.startswith("board/")]
    flags = " ".join(target.core.gcc_flags) if target.board else ""
    link = ""
    if target.board:
        options = " ".join(["-nostdlib", "-nostartfiles", "-Wl,--gc-sections", *_linker_symbols(target.board, flash_bytes, ram_bytes)])
        link = f"""  target_link_options({name}_firmware PRIVATE {flags} -T ${{CMAKE_CURRENT_SOURCE_DIR}}/firmware/link.ld {options})
  target_link_libraries({name}_firmware PRIVATE gcc)
"""
    core = f"  target_compile_options(tinykd_{name} PUBLIC {flags})\n" if flags else ""
    return f"""# The model '{name}' as a library for any project: add_subdirectory(this folder), link tinykd_{name}. Written by tinykd.
# With -DTINYKD_FIRMWARE=ON also the program that proves it, for {target.board.name if target.board else "this machine"}.
cmake_minimum_required(VERSION 3.13)
project(tinykd_{name} C)

option(TINYKD_FIRMWARE "build the firmware that repeats the golden vectors" OFF)

add_library(tinykd_{name} STATIC
  {chr(10).join("  " + path for path in model).strip()})
target_include_directories(tinykd_{name} PUBLIC include PRIVATE src)
set_target_properties(tinykd_{name} PROPERTIES C_STANDARD 99 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
target_compile_options(tinykd_{name} PRIVATE {" ".join(OPTIMIZE[optimize])} -ffunction-sections -fdata-sections)

if(TINYKD_FIRMWARE)
{core}  add_executable({name}_firmware
    {chr(10).join("    " + path for path in firmware).strip()})
  target_include_directories({name}_firmware PRIVATE firmware)
  set_target_properties({name}_firmware PROPERTIES C_STANDARD 99 SUFFIX "{".elf" if target.board else ""}")
  target_compile_options({name}_firmware PRIVATE {" ".join(OPTIMIZE[optimize])} -ffunction-sections -fdata-sections)
  target_link_libraries({name}_firmware PRIVATE tinykd_{name})
{link}endif()
"""
