"""What flash is made of: groups (weights, code, ...) of pieces (layers, C files), largest first."""

from __future__ import annotations

from dataclasses import dataclass

from tinykd.report.memory import Memory, Piece

REST = "tables and padding"


@dataclass(frozen=True)
class Group:
    """Pieces of one kind."""

    kind: str
    title: str
    pieces: tuple[Piece, ...]

    @property
    def bytes(self) -> int:
        return sum(one.bytes for one in self.pieces)


def flash_groups(memory: Memory) -> tuple[Group, ...]:
    """Every byte of flash once: the groups add up to `flash_bytes`.

    Code is told by C file; tables that belong to no layer, strings and padding are one piece.
    """
    groups = (
        Group("weights", "weights", _weights(memory)),
        Group("code", "code", _filled([Piece(name=one.name, bytes=one.bytes) for one in memory.kernels], memory.code_bytes)),
        Group("golden", "golden vectors", _filled([], memory.golden_bytes, "golden vectors")),
        Group("data", "first values of variables", _filled([], _data(memory), ".data")),
    )
    return tuple(sorted((one for one in groups if one.bytes), key=lambda one: -one.bytes))


def _weights(memory: Memory) -> tuple[Piece, ...]:
    found, left = [], memory.weights_bytes
    for layer in memory.layers:
        taken = min(layer.weights_bytes, left)
        if taken:
            found.append(Piece(name=f"{layer.index} {layer.operator}", bytes=taken))
            left -= taken
    return _filled(found, memory.weights_bytes)


def _data(memory: Memory) -> int:
    return max(memory.flash_bytes - memory.weights_bytes - memory.code_bytes - memory.golden_bytes, 0)


def _filled(pieces: list[Piece], total: int, rest: str = REST) -> tuple[Piece, ...]:
    """The pieces, largest first, as far as `total` goes, and what they leave of it."""
    kept, left = [], total
    for one in sorted(pieces, key=lambda one: -one.bytes):
        taken = min(one.bytes, left)
        if taken:
            kept.append(Piece(name=one.name, bytes=taken))
        left -= taken
    return tuple(sorted((*kept, *([Piece(name=rest, bytes=left)] if left else ())), key=lambda one: -one.bytes))
