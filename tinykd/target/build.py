"""From a source tree to an image that fits its budget."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tinykd.errors import OverBudget, ToolError, UsageError
from tinykd.target.boards import Board, Budget
from tinykd.target.elf import Elf, read_elf
from tinykd.target.functions import function_spans, instruction_stretches
from tinykd.target.instruction_set import INSTRUCTION_SETS
from tinykd.target.objects import ObjectStore, digest
from tinykd.target.sizes import Sizes, measure
from tinykd.target.stack import StackBound, read_stack_usage, stack_bound
from tinykd.target.targets import Target
from tinykd.target.toolchain import Command, Toolchain

OPTIMIZE: dict[str, tuple[str, ...]] = {
    "size": ("-Os",),
    "ram": ("-O2",),
    "balanced": ("-O3",),
    "speed": ("-O3",),
}
"""Compiler flags by `--optimize`."""

BEST: dict[str, tuple[str, ...]] = {"zig": ("-Os",)}
"""Flags of compilers that do best with one set: clang unrolls loops at -O2 until registers spill, and the kernels then take up to
17 % more instructions."""

COMMON_FLAGS = ("-std=c99", "-ffunction-sections", "-fdata-sections", "-Wall", "-Wextra", "-Iinclude", "-Isrc")
HOST_FLAGS = ("-std=c99", "-Wall", "-Wextra", "-Iinclude", "-Isrc")
UNKNOWN_STACK_BYTES = 4096
"""Stack to reserve where the worst case is unknown."""

ROOM = 1 << 27
"""Bytes of each memory for a link that only measures."""

_JOBS = 2
_LINES = 12


@dataclass(frozen=True)
class Image:
    """A program for a target.

    Attributes:
        elf: the file.
        toolchain: name and version of what built it.
        optimize: key of `OPTIMIZE`.
        trace: whether it sends every layer's outputs (`TINYKD_TRACE`).
        budget: what it was made to fit; None on the host.
        sizes: what it takes; None on the host, where flash and RAM mean nothing.
        stack: its worst-case stack.
        readings: of the clock at each mark between layers (`TINYKD_PROFILE`); 0 for none.
    """

    elf: Path
    target: Target
    toolchain: str
    optimize: str
    trace: bool
    budget: Budget | None
    sizes: Sizes | None
    stack: StackBound
    readings: int = 0


def build(
    tree: Path,
    target: Target,
    toolchain: Toolchain,
    *,
    optimize: str = "balanced",
    trace: bool = False,
    readings: int = 0,
    flash_bytes: int | None = None,
    ram_bytes: int | None = None,
    folder: Path | None = None,
    flags: Sequence[str] = (),
) -> Image:
    """Compile `src/*.c` of a generated tree and the program around it, and link them.

    The same sources give the same bytes wherever the tree lies. Linking goes in three steps: with room for anything, to find
    the worst-case stack; with that stack, to measure; then within the budget, which the linker script asserts.

    Args:
        optimize: key of `OPTIMIZE`.
        trace: define `TINYKD_TRACE`.
        readings: define `TINYKD_PROFILE` too, with so many readings of the clock a mark; 0 for no marks.
        flash_bytes, ram_bytes: the budget; the board's own by default.
        folder: where objects and image go; `tree/build/...` by default.
        flags: more compiler flags, last.

    Raises:
        OverBudget: flash or RAM needed exceed the budget.
        ToolError: the compiler or linker failed.
        UsageError: `optimize` is unknown, or the budget is more than the board has.
    """
    if optimize not in OPTIMIZE:
        raise UsageError(f"no optimization is called {optimize!r}", f"one of {', '.join(OPTIMIZE)}")
    budget = _budget(target.board, flash_bytes, ram_bytes) if target.board else None
    chosen = (*(COMMON_FLAGS if target.board else HOST_FLAGS), f"-I{target.folder}", *flags)
    variant = f"{target.name}-{target.folder}-{toolchain.name}-{optimize}{'-profile' if readings else '-trace' if trace else ''}"
    macros = {"TINYKD_TRACE": "-DTINYKD_TRACE"} if trace or readings else {}
    macros |= {"TINYKD_PROFILE": f"-DTINYKD_PROFILE={readings}u"} if readings else {}
    out = (folder or tree / "build" / variant).resolve()
    out.mkdir(parents=True, exist_ok=True)
    levels = {"src": BEST.get(toolchain.name, OPTIMIZE[optimize]), target.folder: OPTIMIZE["size"]}
    objects = _compile(tree, target, toolchain, levels, chosen, out, macros)
    _make_runtime(target, toolchain, out)
    elf, name = out / "firmware.elf", f"{toolchain.name} {toolchain.version}"
    if target.board is None or budget is None:
        elf = out / "firmware"
        _run(toolchain.link(target.core, objects, None, {}, elf), tree)
        return Image(
            elf, target, name, optimize, trace, None, None, StackBound(None, unknown=("the host's stack is not analysed",)), readings
        )
    script = tree / target.folder / "link.ld"
    board, roomy = target.board, Budget(ROOM, ROOM)

    def link(within: Budget, stack_bytes: int) -> Elf:
        _run(toolchain.link(target.core, objects, script.resolve(), _symbols(board, within, stack_bytes), elf), tree)
        return read_elf(elf, objects)

    frames = read_stack_usage(path.with_suffix(".su") for path in objects if path.with_suffix(".su").exists())
    stack = stack_bound(link(roomy, UNKNOWN_STACK_BYTES), frames, target.core.instruction_set, target.core.exception_frame_bytes)
    reserved = UNKNOWN_STACK_BYTES if stack.bytes is None else -(-stack.bytes // 16) * 16
    _check(measure(link(roomy, reserved)), budget, elf)
    linked = link(budget, reserved)
    _check_instructions(linked, target)
    return Image(
        elf,
        target,
        name,
        optimize,
        trace,
        budget,
        measure(linked, {path.stem for path in (tree / target.folder).glob("*.c")}),
        stack,
        readings,
    )


def _compile(
    tree: Path,
    target: Target,
    toolchain: Toolchain,
    levels: Mapping[str, Sequence[str]],
    flags: Sequence[str],
    out: Path,
    macros: Mapping[str, str],
) -> list[Path]:
    """Compile each folder of `levels` with its own optimization: the program around the model is always made small.

    Only sources that know a macro of `macros` are told of it. Objects that an earlier build of this tree made from the same text,
    with the same command, are taken from there.
    """
    sources = [path.relative_to(tree) for folder in levels for path in sorted((tree / folder).glob("*.c"))]
    if not sources:
        raise ToolError(f"{tree} holds no C sources", "export the model first")
    objects = [out / f"{source.stem}.o" for source in sources]
    doubled = sorted({o.stem for o in objects if objects.count(o) > 1})
    if doubled:
        raise ToolError(f"two C files of {tree} share a name: {', '.join(doubled)}", "rename one")
    shared = (*flags, f"-ffile-prefix-map={tree.resolve()}=.")
    headers = (path for folder in ("include", *levels) for path in (tree / folder).rglob("*.h"))
    store = ObjectStore(tree / "build" / "objects", f"{toolchain.name} {toolchain.version}", digest(tree, headers))

    def compile_one(source: Path, output: Path) -> None:
        text = (tree / source).read_bytes()
        told = (definition for macro, definition in macros.items() if macro.encode() in text)
        chosen = (*levels[source.parts[0]], *told, *shared)
        key = store.key(source, text, toolchain.compile(target.core, source.as_posix(), Path("object.o"), chosen))
        if not store.restore(key, output):
            _run(toolchain.compile(target.core, source.as_posix(), output, chosen), tree)
            store.keep(key, output)

    with ThreadPoolExecutor(min(_JOBS, os.cpu_count() or 1)) as pool:
        list(pool.map(compile_one, sources, objects))
    return objects


def _make_runtime(target: Target, toolchain: Toolchain, out: Path) -> None:
    """Make the compiler's helper functions for this core, unless an earlier build did."""
    kept = toolchain.runtime(target.core)
    if kept is None or kept.exists():
        return
    kept.parent.mkdir(parents=True, exist_ok=True)
    fresh = kept.with_name(f"{os.getpid()}-{kept.name}")
    _run(toolchain.make_runtime(target.core, fresh), out)
    fresh.replace(kept)


def _budget(board: Board, flash_bytes: int | None, ram_bytes: int | None) -> Budget:
    flash = board.budget.flash_bytes if flash_bytes is None else flash_bytes
    ram = board.budget.ram_bytes if ram_bytes is None else ram_bytes
    for what, wanted, there in (("flash", flash, board.flash.bytes), ("RAM", ram, board.ram.bytes)):
        if not 0 < wanted <= there:
            raise UsageError(f"a {what} budget of {wanted} bytes on {board.name}, which has {there}", f"give 1 to {there} bytes")
    return Budget(flash, ram)


def _symbols(board: Board, budget: Budget, stack_bytes: int) -> Mapping[str, int]:
    return {
        "TINYKD_FLASH_ORIGIN": board.flash.origin,
        "TINYKD_FLASH_BYTES": budget.flash_bytes,
        "TINYKD_RAM_ORIGIN": board.ram.origin,
        "TINYKD_RAM_BYTES": budget.ram_bytes,
        "TINYKD_STACK_BYTES": stack_bytes,
    }


def _check(sizes: Sizes, budget: Budget, elf: Path) -> None:
    """Raise `OverBudget` with the largest takers, before the linker would with none."""
    over = []
    if sizes.flash_bytes > budget.flash_bytes:
        largest = sorted(sizes.objects, key=lambda o: -o.flash)[:3]
        takers = ", ".join(f"{o.source} {o.flash}" for o in largest)
        over.append(
            f"flash {sizes.flash_bytes} of {budget.flash_bytes} bytes ({takers}), {sizes.flash_bytes - budget.flash_bytes} too many"
        )
    if sizes.ram_bytes > budget.ram_bytes:
        arena = sizes.arena_bytes - sum(sizes.banks.values())
        rest = sizes.bss_bytes - arena - sizes.io_bytes
        io = f"inputs and outputs {sizes.io_bytes}, " if sizes.io_bytes else ""
        parts = f"arena {arena}, {io}stack {sizes.stack_bytes}, .data {sizes.data_bytes}, .bss {rest}"
        over.append(f"RAM {sizes.ram_bytes} of {budget.ram_bytes} bytes ({parts}), {sizes.ram_bytes - budget.ram_bytes} too many")
    if over:
        elf.unlink(missing_ok=True)
        shrink = "the weights: fewer channels" if "flash" in over[0] else "the arena: smaller activations early in the net"
        raise OverBudget("the image is over budget: " + "; ".join(over), f"shrink {shrink}; or raise --flash or --ram")


def _check_instructions(elf: Elf, target: Target) -> None:
    """Raise `ToolError` if the image holds an instruction that the core does not have, though the emulator may."""
    reads = INSTRUCTION_SETS[target.core.instruction_set]
    for symbol, end in function_spans(elf):
        for low, code in instruction_stretches(elf, symbol, end):
            for address in reads.foreign(code, low):
                elf.path.unlink(missing_ok=True)
                raise ToolError(
                    f"{symbol.name} has an instruction at {address:#x} that {target.core.name} has not", "compile it for this core"
                )


def _run(command: Command, folder: Path) -> None:
    try:
        outcome = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=600)
    except OSError as error:
        raise ToolError(f"cannot run {command[0]}: {error.strerror or error}", "`tinykd doctor` shows what is installed") from error
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"{Path(command[0]).name} ran for more than 10 minutes", "optimize less, or split the model") from error
    if outcome.returncode != 0:
        said = "\n".join((outcome.stderr or outcome.stdout).strip().splitlines()[:_LINES])
        raise ToolError(f"{Path(command[0]).name} failed:\n{said}", f"run it by hand in {folder}: {' '.join(command)}")
