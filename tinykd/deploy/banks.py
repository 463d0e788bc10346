"""Which banks of RAM the arena may lie in, by settings or because one is too small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tinykd.compile.emit.places import MAIN_BANK
from tinykd.compile.planner.plan import Plan
from tinykd.errors import UsageError
from tinykd.recipe.model import Export
from tinykd.sizes import parse_size
from tinykd.target.boards import Bank
from tinykd.target.targets import Target

_RESERVED = ("a", "arena", "input", "output")
_STACK_AND_DATA = 2048
"""Bytes of the main RAM that the arena leaves for the rest, where tinykd chooses the banks."""


def capacities(settings: Export, target: Target, whole: Plan) -> Mapping[str, int]:
    """Bytes by name of bank, in order of preference: those of the settings; all of the board's where no budget but its RAM
    itself is too small; empty where the arena lies in RAM in one piece.

    Args:
        whole: the arena in one piece.

    Raises:
        UsageError: the board has no such bank, or less of it.
    """
    board = target.board
    if settings.arena:
        wanted = {name: parse_size(size) or 0 for name, size in (one.split("=") for one in settings.arena)}
        there = {MAIN_BANK: board.ram.bytes, **{bank.name: bank.bytes for bank in board.banks}} if board else dict(wanted)
        for name, size in wanted.items():
            if name not in there or name in _RESERVED:
                raise UsageError(f"{target.name} has no bank of RAM called {name!r}", f"banks: {', '.join(there)}")
            if size > there[name]:
                raise UsageError(f"{name} of {target.name} has {there[name]} bytes, not {size}", "give the arena less of it")
        return wanted
    if board is None or not board.banks:
        return {}
    room = max(board.ram.bytes - _STACK_AND_DATA, 0)
    return {} if whole.arena_bytes <= room else {MAIN_BANK: room, **{bank.name: bank.bytes for bank in board.banks}}


def linked(target: Target, plan: Plan) -> Sequence[Bank]:
    """The banks beside the main one that the arena lies in, each as large as the arena may be there."""
    allowed = {bank.name: bank.capacity for bank in plan.banks}
    board = target.board
    return [replace(bank, bytes=allowed[bank.name]) for bank in board.banks if bank.name in allowed] if board else []
