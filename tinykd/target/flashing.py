"""How an image gets onto a board: what each flashing tool has to be told about it."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

STRICT = ConfigDict(extra="forbid", strict=False)
"""Of every table of a board's file: unknown keys are errors."""

Address = Annotated[int, Field(strict=True, ge=0, lt=1 << 32)]
Word = Annotated[str, Field(min_length=1, pattern=r"^[^\s-]\S*$")]
"""An argument of a command line: one word, no option."""


@dataclass(frozen=True, config=STRICT)
class PyOcd:
    """pyOCD: `pyocd load --target TARGET`.

    Attributes:
        target: its name for the chip (`pyocd list --targets`).
        pack: the CMSIS-Pack that brings the chip (`pyocd pack install PACK`), empty where pyOCD has it built in.
    """

    target: Word
    pack: str = ""


@dataclass(frozen=True, config=STRICT)
class OpenOcd:
    """OpenOCD: `openocd -f CONFIG ... -c "program FILE verify reset exit"`.

    Attributes:
        configs: scripts of its own library, in order: the probe's, then the chip's; or the board's alone.
    """

    configs: Annotated[tuple[Word, ...], Field(min_length=1)]


@dataclass(frozen=True, config=STRICT)
class ProbeRs:
    """probe-rs: `probe-rs download --chip CHIP` (`probe-rs chip list`)."""

    chip: Word


@dataclass(frozen=True, config=STRICT)
class Picotool:
    """picotool, for a board in BOOTSEL mode: `picotool load --verify --execute FILE.elf`.

    Attributes:
        family: the UF2 family of the image.
    """

    family: Literal["rp2040", "rp2350-arm-s", "rp2350-riscv"]


@dataclass(frozen=True, config=STRICT)
class Bossac:
    """bossac, for a board whose SAM-BA bootloader runs (reset pressed twice): `bossac -e -w -v -R --offset=OFFSET FILE.bin`.

    Attributes:
        offset: where the program begins, counted from the start of flash: what the bootloader takes.
    """

    offset: Address


@dataclass(frozen=True, config=STRICT)
class ArduinoCli:
    """arduino-cli: `arduino-cli upload --fqbn FQBN --input-file FILE`.

    Attributes:
        fqbn: `vendor:architecture:board`.
    """

    fqbn: Annotated[str, Field(pattern=r"^[\w-]+:[\w-]+:[\w-]+$")]


@dataclass(frozen=True, config=STRICT)
class West:
    """Zephyr's west: `west flash`, in a build for this board."""

    board: Word


@dataclass(frozen=True, config=STRICT)
class TeensyLoader:
    """PJRC's teensy_loader_cli: `teensy_loader_cli --mcu=MCU -w FILE.hex`."""

    mcu: Word


@dataclass(frozen=True, config=STRICT)
class EspTool:
    """esptool, for an image that the chip's ROM loads: `esptool --chip CHIP write_flash OFFSET FILE.bin`."""

    chip: Word
    offset: Address


@dataclass(frozen=True, config=STRICT)
class Drive:
    """A drive that the board shows the computer: a file copied there is flashed.

    Attributes:
        label: the drive's name.
        form: what file it takes.
    """

    label: Word
    form: Literal["bin", "hex", "uf2"]


@dataclass(frozen=True, config=STRICT)
class Flashing:
    """The methods that flash a board, None for those that cannot."""

    pyocd: PyOcd | None = None
    openocd: OpenOcd | None = None
    probe_rs: ProbeRs | None = None
    picotool: Picotool | None = None
    bossac: Bossac | None = None
    arduino_cli: ArduinoCli | None = None
    west: West | None = None
    teensy_loader: TeensyLoader | None = None
    esptool: EspTool | None = None
    drive: Drive | None = None

    @property
    def methods(self) -> tuple[str, ...]:
        """Their names, in the order in which they are to be tried."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name) is not None)
