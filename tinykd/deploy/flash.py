"""Flash a board: the image that was checked, by the tool that is there, read back and compared."""

from __future__ import annotations

import hashlib
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tinykd.errors import IntegersDiffer, ToolError, UsageError
from tinykd.report.flashing import Flashed
from tinykd.run import file_hash, write_atomically
from tinykd.target.boards import Board
from tinykd.target.build import Image
from tinykd.target.elf import Segment, stored_segments
from tinykd.target.flash_commands import BIN, HEX, READ_BACK, TOOLS, UF2, Place, Step, Tool
from tinykd.target.image_forms import UF2_FAMILIES, flat, intel_hex, start_of, uf2

DRIVE = "drive"


@dataclass(frozen=True)
class Plan:
    """What is going to happen.

    Attributes:
        method: key of `TOOLS`, or `drive`.
        folder: where the commands run and the image's files lie.
        steps: the commands; none for a drive.
        missing: how to install the tool, empty where it is here.
    """

    board: Board
    method: str
    folder: Path
    steps: tuple[Step, ...]
    segments: tuple[Segment, ...]
    image: Path
    missing: str

    @property
    def lines(self) -> tuple[str, ...]:
        """The commands as one would type them in `folder`."""
        drive = self.board.flashing.drive
        if self.method == DRIVE and drive is not None:
            return (f"cp firmware.{drive.form} {mounted(drive.label) or f'/media/{drive.label}'}/",)
        return tuple(shlex.join(step.command) for step in self.steps)


def plan_flashing(image: Image, board: Board, method: str | None, probe: str, port: str, zephyr: str) -> Plan:
    """Choose the tool: the one asked for, else the first of the board's that is installed, else its first.

    Raises:
        UsageError: the board cannot be flashed like that.
    """
    known = (*(name for name in TOOLS if name in board.flashing.methods), *((DRIVE,) if board.flashing.drive else ()))
    if not known:
        hint = "add a table [flashing], as `tinykd boards nucleo-f446re --toml` shows one"
        raise UsageError(f"the file of {board.name} names no method to flash it", hint)
    if method is not None and method.replace("-", "_") not in known:
        raise UsageError(f"{board.name} is not flashed by {method}", f"methods: {', '.join(name.replace('_', '-') for name in known)}")
    chosen = method.replace("-", "_") if method else next((name for name in known if _ready(name, board, port, zephyr)), known[0])
    segments = stored_segments(image.elf)
    place = Place(start_of(segments), len(flat(segments)), probe, port, str(Path(zephyr).resolve()) if zephyr else "")
    tool = TOOLS.get(chosen)
    steps = tool.steps(board.flashing, place) if tool else ()
    missing = "" if tool is None or find_program(tool) else tool.install
    return Plan(board, chosen, image.elf.parent, steps, segments, image.elf, missing)


def _ready(name: str, board: Board, port: str, zephyr: str) -> bool:
    """Whether a method could work now: its program is here, and what it has to be told was given."""
    if name == DRIVE:
        return board.flashing.drive is not None and mounted(board.flashing.drive.label) is not None
    wants = {"arduino_cli": bool(port), "west": bool(zephyr)}
    return wants.get(name, True) and find_program(TOOLS[name]) is not None


def find_program(tool: Tool) -> str | None:
    """The tool's program: on the PATH, or beside this Python, where pip puts it."""
    beside = str(Path(sys.executable).parent)
    return shutil.which(tool.program) or shutil.which(tool.program, path=beside)


def mounted(label: str) -> Path | None:
    """Where the drive with this name, which may hold `*`, is mounted on Linux or macOS."""
    roots = (Path("/Volumes"), Path("/media"), *Path("/media").glob("*"), *Path("/run/media").glob("*"))
    return next((drive for root in roots for drive in root.glob(label) if drive.is_dir()), None)


def write_forms(plan: Plan) -> None:
    """Write the image's other forms beside its ELF."""
    write_atomically(plan.folder / BIN, flat(plan.segments))
    write_atomically(plan.folder / HEX, intel_hex(plan.segments).encode())
    family = plan.board.flashing.picotool
    if family is not None:
        write_atomically(plan.folder / UF2, uf2(plan.segments, UF2_FAMILIES[family.family]))


def flash(plan: Plan, say: Callable[[str], None]) -> Flashed:
    """Run the plan; the tool's own output goes to the terminal.

    Raises:
        ToolError: the tool is missing or failed, or there is no probe or drive.
        IntegersDiffer: flash holds other bytes than the image.
    """
    if plan.missing:
        raise ToolError(f"{TOOLS[plan.method].program} is not installed", f"{plan.missing}; or choose another --method")
    write_forms(plan)
    if plan.method == DRIVE:
        return _copy(plan)
    tool = TOOLS[plan.method]
    program = find_program(tool)
    assert program is not None
    if plan.method == "pyocd":
        _require_probe(program, plan.board)
    (plan.folder / READ_BACK).unlink(missing_ok=True)
    for step, line in zip(plan.steps, plan.lines):
        say(f"{step.what}: {line}")
        _run(step, program, plan)
    proof = tool.proof
    if proof == "tinykd":
        _compare(plan)
    return _flashed(plan, proof)


def _flashed(plan: Plan, proof: str) -> Flashed:
    return Flashed(
        board=plan.board.name,
        method=plan.method,
        commands=plan.lines,
        image=str(plan.image),
        image_sha256=file_hash(plan.image),
        bytes=sum(len(segment.contents) for segment in plan.segments),
        read_back_by=proof,
    )


def _run(step: Step, program: str, plan: Plan) -> None:
    """Run one step. On Ctrl-C the tool, which gets the same signal, is given time to leave the probe as it should be."""
    name = Path(program).name
    try:
        process = subprocess.Popen((program, *step.command[1:]), cwd=plan.folder, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    except OSError as error:
        raise ToolError(f"cannot run {program}: {error.strerror or error}", TOOLS[plan.method].install) from error
    try:
        code = process.wait()
    except KeyboardInterrupt:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
        raise
    if code != 0:
        raise ToolError(f"{name} failed to {step.what} {plan.board.name} (exit code {code}); it said why above", _advice(plan))


def _advice(plan: Plan) -> str:
    pack = plan.board.flashing.pyocd.pack if plan.method == "pyocd" and plan.board.flashing.pyocd else ""
    if pack:
        return f"does pyocd know the chip? pyocd pack install {pack}; is the probe free and the board powered?"
    return "is the board connected, powered, and in its bootloader if it has one? is no other program using it?"


def _require_probe(program: str, board: Board) -> None:
    """Raise ToolError where no debug probe is connected: pyocd itself would say so only after it has loaded the image."""
    try:
        shown = subprocess.run((program, "list"), capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return
    if "No available debug probes" in shown.stdout:
        raise ToolError(
            f"no debug probe is connected: {board.name} cannot be flashed",
            "plug in the board (a USB cable that carries data), or name another --method; on Linux a probe needs udev rules: "
            "https://github.com/pyocd/pyOCD/tree/main/udev",
        )


def _compare(plan: Plan) -> None:
    """Compare what was read back with every byte that the image stores."""
    path = plan.folder / READ_BACK
    if not path.is_file():
        raise ToolError(f"{TOOLS[plan.method].program} read nothing back", "flash again; `--method` names another tool")
    found, low = path.read_bytes(), start_of(plan.segments)
    for segment in plan.segments:
        held = found[segment.load - low : segment.load - low + len(segment.contents)]
        if held != segment.contents:
            first = next((k for k, (one, other) in enumerate(zip(held, segment.contents)) if one != other), len(held))
            raise IntegersDiffer(
                f"flash of {plan.board.name} differs from the image, first at {segment.load + first:#010x} "
                f"(read back SHA-256 {hashlib.sha256(held).hexdigest()[:16]}...)",
                "flash again; if it stays, the chip is write-protected, worn out, or another one than the board's file says",
            )


def _copy(plan: Plan) -> Flashed:
    drive = plan.board.flashing.drive
    assert drive is not None
    place, source = mounted(drive.label), plan.folder / f"firmware.{drive.form}"
    if place is None:
        hint = "connect the board (in its bootloader, if it has one) and open the drive"
        raise ToolError(f"no drive called {drive.label} is mounted", hint)
    if not source.exists():
        raise UsageError(f"{plan.board.name} takes {drive.form}, whose family its file does not name", "choose another --method")
    try:
        # A plain copy: a drive of this kind is gone when the last byte has come, before a temporary file could be renamed.
        shutil.copyfile(source, place / source.name)
    except OSError as error:
        raise ToolError(f"cannot copy to {place}: {error.strerror or error}", "connect the board again and look at its drive") from None
    return _flashed(plan, "nobody")
