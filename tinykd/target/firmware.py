"""The firmware around a generated model: the main program and the ports of a target."""

from __future__ import annotations

from tinykd.resources import firmware_folder
from tinykd.target.targets import Target

HEADERS = ("include/tinykd/port.h", "include/tinykd/compiler.h")


def firmware_sources(target: Target) -> dict[str, str]:
    """Text by path in the generated tree: `firmware/main.c`, `firmware/startup.c`, `firmware/link.ld`, `include/tinykd/port.h`.

    Raises:
        ToolError: the installation is incomplete.
    """
    root = firmware_folder()
    files = {name: (root / name).read_text() for name in HEADERS}
    for folder in (root / "app", *(root / "ports" / port for port in target.ports)):
        files |= {f"firmware/{path.name}": path.read_text() for path in sorted(folder.iterdir()) if path.is_file()}
    return files
