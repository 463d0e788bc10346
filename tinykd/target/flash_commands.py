"""The command lines that flash a board, one function a tool; nothing here runs anything.

Each function gives the steps from an image to a board that holds it and runs it, read back and compared. Commands run in the folder
of the image and name files without folders, so that no tool has to understand a path with spaces.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tinykd.errors import UsageError
from tinykd.target.flashing import ArduinoCli, Bossac, EspTool, Flashing, OpenOcd, Picotool, ProbeRs, PyOcd, TeensyLoader, West

ELF, BIN, HEX, UF2, READ_BACK = "firmware.elf", "firmware.bin", "firmware.hex", "firmware.uf2", "readback.bin"


@dataclass(frozen=True)
class Place:
    """Where the image goes and over what.

    Attributes:
        start, bytes: the stretch of flash from the image's lowest to its highest byte.
        probe: the debug probe's number, empty for the only one.
        port: the serial port of a bootloader, empty where none was named.
        zephyr: the build folder of a Zephyr application for this board, empty where none was named.
    """

    start: int
    bytes: int
    probe: str = ""
    port: str = ""
    zephyr: str = ""


@dataclass(frozen=True)
class Step:
    """One command.

    Attributes:
        what: `flash`, `read back` or `restart`.
        command: program and arguments.
    """

    what: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Tool:
    """A program that flashes.

    Attributes:
        program: its name on the PATH.
        steps: the commands for a board's entry.
        install: how to get it.
        proof: who compares flash with the image: `tinykd` (bytes read back), `tool`, or `nobody`.
        help: what prints its options.
    """

    program: str
    steps: Callable[[Flashing, Place], tuple[Step, ...]]
    install: str
    proof: str
    help: tuple[str, ...] = ("--help",)


def pyocd(entry: PyOcd, place: Place) -> tuple[Step, ...]:
    """https://pyocd.io/docs/command_reference"""
    chosen = ("--no-wait", "--target", entry.target, *_if("--uid", place.probe))
    save = f"savemem {place.start:#x} {place.bytes} {READ_BACK}"
    return (
        Step("flash", ("pyocd", "load", *chosen, "--format", "elf", ELF)),
        Step("read back", ("pyocd", "commander", *chosen, "--command", save)),
    )


def openocd(entry: OpenOcd, place: Place) -> tuple[Step, ...]:
    """OpenOCD User's Guide, Flash Programming and General Commands."""
    configs = [word for config in entry.configs for word in ("--file", config)]
    chosen = ("openocd", *configs, *_if("--command", place.probe and f"adapter serial {place.probe}"))
    dump = f"dump_image {READ_BACK} {place.start:#x} {place.bytes}"
    return (
        Step("flash", (*chosen, "--command", f"program {ELF} verify reset exit")),
        Step("read back", (*chosen, "--command", f"init; reset halt; {dump}; reset run; shutdown")),
    )


def probe_rs(entry: ProbeRs, place: Place) -> tuple[Step, ...]:
    """https://probe.rs/docs/tools/probe-rs; `--verify` reads all of it back."""
    chosen = ("--non-interactive", "--chip", entry.chip, *_if("--probe", place.probe))
    return (
        Step("flash", ("probe-rs", "download", *chosen, "--verify", "--binary-format", "elf", ELF)),
        Step("restart", ("probe-rs", "reset", *chosen)),
    )


def picotool(_: Picotool, place: Place) -> tuple[Step, ...]:
    """picotool help load: `--verify` reads back, `--execute` starts the program."""
    return (Step("flash", ("picotool", "load", "--verify", "--execute", ELF, "-t", "elf", *_if("--ser", place.probe))),)


def bossac(entry: Bossac, place: Place) -> tuple[Step, ...]:
    """bossac --help (1.9): `--verify` reads back."""
    flags = ("--erase", "--write", "--verify", "--reset", f"--offset={entry.offset:#x}")
    return (Step("flash", ("bossac", *((f"--port={place.port}",) if place.port else ()), *flags, BIN)),)


def arduino_cli(entry: ArduinoCli, place: Place) -> tuple[Step, ...]:
    """arduino-cli upload --help; the board's platform takes the form it needs of the files that are called like this one."""
    named = ("--fqbn", entry.fqbn, "--port", _needed("arduino-cli", "--port", place.port))
    return (Step("flash", ("arduino-cli", "upload", *named, "--verify", "--input-file", BIN)),)


def west(_: West, place: Place) -> tuple[Step, ...]:
    """west flash --help: Zephyr's runner for the board, with our image instead of the one that it built."""
    folder = _needed("west", "--zephyr-build", place.zephyr)
    return (Step("flash", ("west", "flash", "--build-dir", folder, "--skip-rebuild", "--elf-file", ELF, "--hex-file", HEX)),)


def teensy_loader(entry: TeensyLoader, _: Place) -> tuple[Step, ...]:
    """https://www.pjrc.com/teensy/loader_cli.html: waits for the button."""
    return (Step("flash", ("teensy_loader_cli", f"--mcu={entry.mcu}", "-w", "-v", HEX)),)


def esptool(entry: EspTool, place: Place) -> tuple[Step, ...]:
    """esptool write_flash --help; compares the MD5 of what it wrote by itself."""
    return (Step("flash", ("esptool", "--chip", entry.chip, *_if("--port", place.port), "write_flash", f"{entry.offset:#x}", BIN)),)


def _entry(name: str, make: Callable[..., tuple[Step, ...]]) -> Callable[[Flashing, Place], tuple[Step, ...]]:
    return lambda flashing, place: make(getattr(flashing, name), place)


TOOLS: dict[str, Tool] = {
    "pyocd": Tool("pyocd", _entry("pyocd", pyocd), 'pip install "tinykd[flash]"', "tinykd"),
    "openocd": Tool("openocd", _entry("openocd", openocd), "apt-get install openocd, or https://openocd.org", "tinykd"),
    "probe_rs": Tool("probe-rs", _entry("probe_rs", probe_rs), "cargo install probe-rs-tools, or https://probe.rs", "tool"),
    "picotool": Tool("picotool", _entry("picotool", picotool), "https://github.com/raspberrypi/picotool", "tool", ("help", "load")),
    "bossac": Tool("bossac", _entry("bossac", bossac), "apt-get install bossa-cli, or https://github.com/shumatech/BOSSA", "tool"),
    "arduino_cli": Tool("arduino-cli", _entry("arduino_cli", arduino_cli), "https://arduino.github.io/arduino-cli", "tool"),
    "west": Tool("west", _entry("west", west), "pip install west, and Zephyr's SDK", "nobody", ("flash", "--help")),
    "teensy_loader": Tool("teensy_loader_cli", _entry("teensy_loader", teensy_loader), "apt-get install teensy-loader-cli", "nobody"),
    "esptool": Tool("esptool", _entry("esptool", esptool), "pip install esptool", "tool"),
}
"""Every tool by its entry in a board's file, best first; a board's drive is no tool."""


def _if(option: str, value: str) -> tuple[str, ...]:
    return (option, value) if value else ()


def _needed(tool: str, option: str, value: str) -> str:
    if not value:
        raise UsageError(f"{tool} needs {option}", f"name it: {option} ..., or choose another --method")
    return value
