"""Where the files that ship with the package lie: recipes and firmware sources."""

from __future__ import annotations

from pathlib import Path

from tinykd.errors import ToolError

PACKAGE = Path(__file__).resolve().parent


def models_folder() -> Path:
    """The folder of shipped recipes and model cards: one sub-folder a model.

    Raises:
        ToolError: the installation is incomplete.
    """
    return _shipped("_models", "models")


def firmware_folder() -> Path:
    """The folder of kernels, ports and main programs in C.

    Raises:
        ToolError: the installation is incomplete.
    """
    return _shipped("_firmware", "firmware")


def licence_text() -> str:
    """The licence of kernels and ports, which must go where they go.

    Raises:
        ToolError: the installation is incomplete.
    """
    for path in (PACKAGE / "_LICENSE", PACKAGE.parent / "LICENSE"):
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise ToolError(f"the licence is missing beside {PACKAGE}", "reinstall tinykd")


def _shipped(packaged: str, checkout: str) -> Path:
    """The copy inside the wheel, else the one beside the package in a checkout."""
    for folder in (PACKAGE / packaged, PACKAGE.parent / checkout):
        if folder.is_dir():
            return folder
    raise ToolError(f"the shipped folder {checkout}/ is missing beside {PACKAGE}", "reinstall tinykd")
