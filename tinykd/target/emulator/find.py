"""Which emulator runs a target."""

from __future__ import annotations

import sys

from tinykd.errors import ToolError
from tinykd.target.emulator import qemu, unicorn
from tinykd.target.emulator.emulator import Emulator
from tinykd.target.emulator.host import Host
from tinykd.target.targets import Target

PREFERENCES = ("auto", "qemu", "unicorn")


def find_emulator(target: Target, preference: str = "auto") -> Emulator:
    """An emulator that runs `target`: QEMU if it is installed and has the board's machine, else unicorn; the host runs itself.

    Args:
        preference: `qemu`, `unicorn` or `auto`.

    Raises:
        ToolError: none that is asked for is installed or has the core; the hint says which command installs one.
    """
    if preference not in PREFERENCES:
        raise ToolError(f"no emulator is called {preference!r}", f"emulators: {', '.join(PREFERENCES)}")
    if target.board is None:
        return Host()
    machine = target.board.qemu
    if preference in ("auto", "qemu") and machine is not None:
        found = qemu.find_qemu(machine.program)
        if found is not None and machine.machine in found.machines:
            return found
    if preference in ("auto", "unicorn") and target.core.unicorn:
        light = unicorn.find_unicorn()
        if light is not None:
            return light
    alone = preference == "qemu" or not target.core.unicorn
    install = qemu.INSTALL[machine.program] if alone and machine is not None else f"{sys.executable} -m {unicorn.INSTALL}"
    raise ToolError(f"no emulator for {target.name} was found ({preference})", f"install one: {install}")
