"""Hold models against a budget: compiled and linked where there is a compiler, no emulator, nothing left behind."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tinykd.deploy.export import export
from tinykd.deploy.firmware import measured
from tinykd.deploy.memory import memory_report
from tinykd.deploy.source import open_source, settings_of, with_budget
from tinykd.errors import OverBudget, ToolError, UnsupportedModel
from tinykd.report.check import Check, Checked
from tinykd.report.memory import Budget, advice
from tinykd.sizes import parse_size
from tinykd.target.targets import Target, find_target
from tinykd.target.toolchain import find_toolchain


def check_models(
    models: tuple[Path, ...], target: str | None, optimize: str | None, flash: str | None, ram: str | None, toolchain: str
) -> Check:
    """Check every model; a refused one does not stop the others.

    Raises:
        UsageError: a file is not there, or there is no such target.
        ToolError: the compiler that was asked for is missing, or it failed.
    """
    return Check(models=tuple(_check(model, target, optimize, flash, ram, toolchain) for model in models))


def require_passed(check: Check) -> None:
    """Raise what stands most in the way: UnsupportedModel, then OverBudget."""
    for kind, verdict in ((UnsupportedModel, "unsupported"), (OverBudget, "over budget")):
        failed = [one for one in check.models if one.verdict == verdict]
        if failed:
            names = ", ".join(one.model for one in failed)
            raise kind(f"{verdict}: {names}", "`tinykd inspect MODEL` and `tinykd export MODEL` say more")


def _check(model: Path, target: str | None, optimize: str | None, flash: str | None, ram: str | None, toolchain: str) -> Checked:
    name = target or "cortex-m"
    try:
        source = with_budget(open_source(model), flash, ram, target)
        settings = settings_of(source, target, None, optimize, (), ())
        name = settings.target
        with tempfile.TemporaryDirectory(prefix="tinykd-check-") as folder:
            exported = export(source, settings, Path(folder) / "export")
            compiler = _has_compiler(exported.target, toolchain)
            memory = measured(exported, toolchain)[0] if compiler else memory_report(exported, None)
    except (UnsupportedModel, OverBudget) as error:
        return Checked(
            model=str(model), verdict="unsupported" if isinstance(error, UnsupportedModel) else "over budget", target=name,
            measured=False, flash_bytes=None, ram_bytes=None, arena_bytes=None, budget=_budget(name, flash, ram), why=(error.message,),
        )  # fmt: skip
    return Checked(
        model=str(model),
        verdict="fits" if memory.fits else "over budget",
        target=exported.target.name,
        measured=compiler,
        flash_bytes=memory.flash_bytes,
        ram_bytes=memory.ram_bytes,
        arena_bytes=memory.arena_bytes,
        budget=memory.budget,
        why=tuple(line.strip() for line in advice(memory)),
    )


def _budget(target: str, flash: str | None, ram: str | None) -> Budget:
    """What was asked for, else the board's; nothing where neither is known."""
    board = find_target(target).board
    own = board.budget if board else None
    return Budget(
        flash_bytes=parse_size(flash) if flash else own.flash_bytes if own else 0,
        ram_bytes=parse_size(ram) if ram else own.ram_bytes if own else 0,
    )


def _has_compiler(target: Target, toolchain: str) -> bool:
    """Whether the image can be linked here; a compiler that was asked for by name must be there."""
    try:
        find_toolchain(target, toolchain)
    except ToolError:
        if toolchain != "auto":
            raise
        return False
    return True
