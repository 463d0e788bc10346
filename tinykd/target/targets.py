"""What `--target` accepts: cores, the flags that compile for them, and the board that stands for each."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from tinykd.errors import UsageError
from tinykd.target.boards import Board, load_board


@dataclass(frozen=True)
class Core:
    """A processor core.

    Attributes:
        name: Arm's name in lower case.
        gcc: flags that select it in GCC.
        zig: triple and processor that select it in `zig cc`.
        unicorn: the model's name in unicorn (`UC_CPU_ARM_...`); empty if unicorn has none.
        hard_float: floating-point arguments travel in registers, so the unit must be on.
        exception_frame_bytes: what the core itself pushes on an interrupt, at most, with alignment.
    """

    name: str
    gcc: tuple[str, ...]
    zig: tuple[str, ...]
    unicorn: str
    hard_float: bool
    exception_frame_bytes: int


_EABI = ("-target", "thumb-freestanding-eabi")
_EABIHF = ("-target", "thumb-freestanding-eabihf")
_BASIC_FRAME = 8 * 4 + 4
_EXTENDED_FRAME = 26 * 4 + 4

CORES: dict[str, Core] = {
    "cortex-m0plus": Core(
        "cortex-m0plus", ("-mcpu=cortex-m0plus", "-mfloat-abi=soft"), (*_EABI, "-mcpu=cortex_m0plus"), "CORTEX_M0", False, _BASIC_FRAME
    ),
    "cortex-m3": Core("cortex-m3", ("-mcpu=cortex-m3", "-mfloat-abi=soft"), (*_EABI, "-mcpu=cortex_m3"), "CORTEX_M3", False, _BASIC_FRAME),
    "cortex-m4": Core(
        "cortex-m4",
        ("-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"),
        (*_EABIHF, "-mcpu=cortex_m4+vfp4d16sp"),
        "CORTEX_M4",
        True,
        _EXTENDED_FRAME,
    ),
    "cortex-m7": Core(
        "cortex-m7",
        ("-mcpu=cortex-m7", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"),
        (*_EABIHF, "-mcpu=cortex_m7+fp_armv8d16sp"),
        "CORTEX_M7",
        True,
        _EXTENDED_FRAME,
    ),
    "cortex-m33": Core(
        "cortex-m33",
        ("-mcpu=cortex-m33", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"),
        (*_EABIHF, "-mcpu=cortex_m33+dsp+fp_armv8d16sp"),
        "CORTEX_M33",
        True,
        _EXTENDED_FRAME,
    ),
    "cortex-m55": Core(
        "cortex-m55",
        ("-mcpu=cortex-m55", "-mfloat-abi=hard", "-mfpu=auto"),
        (*_EABIHF, "-mcpu=cortex_m55+mve_fp+fp_armv8d16+fullfp16"),
        "",
        True,
        _EXTENDED_FRAME,
    ),
    "host": Core("host", (), (), "", False, 0),
}
"""Every core by name."""


@dataclass(frozen=True)
class Target:
    """A core to compile for, and the board whose memories and emulator stand for it.

    Attributes:
        board: None for the host, which has no memories to fit and needs no emulator.
    """

    name: str
    core: Core
    board: Board | None

    @property
    def port(self) -> str:
        """The folder of `firmware/ports` that the firmware runs on."""
        return self.board.port if self.board else "host"


BOARDS: dict[str, str] = {
    "cortex-m0plus": "microbit",
    "cortex-m3": "mps2-an385",
    "cortex-m4": "mps2-an386",
    "cortex-m7": "mps2-an500",
    "cortex-m33": "mps2-an505",
    "cortex-m55": "mps3-an547",
}
"""The board that stands for a core."""

NAMES: dict[str, str] = {
    "cortex-m": "cortex-m4",
    **{name: name for name in CORES},
    **{name.removeprefix("cortex-"): name for name in CORES},
    "m0": "cortex-m0plus",
    "m0+": "cortex-m0plus",
    "cortex-m0": "cortex-m0plus",
    "cortex-m0+": "cortex-m0plus",
    "cortex-m4f": "cortex-m4",
}
"""Every spelling that `--target` accepts, with the core it means. `cortex-m` means the M4."""


def find_target(name: str) -> Target:
    """The target that `name` means, in any of its spellings.

    Raises:
        UsageError: no target has that name.
    """
    core = NAMES.get(name.lower())
    if core is None:
        near = difflib.get_close_matches(name.lower(), NAMES, 1)
        guess = f"did you mean {near[0]}? " if near else ""
        raise UsageError(f"no target is called {name!r}", f"{guess}targets: cortex-m (= m4), {', '.join(CORES)}")
    board = BOARDS.get(core)
    return Target(core, CORES[core], load_board(board) if board else None)
