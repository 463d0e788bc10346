"""Damage to `.tflite` bytes that knows what a FlatBuffer is: every offset, length and number of a model is a place to hit."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_EXTREMES = (0, 1, 2, 3, 4, 7, 8, 63, 64, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 1 << 24, (1 << 28) - 1, 1 << 28,
             (1 << 31) - 1, 1 << 31, (1 << 32) - 4, (1 << 32) - 2, (1 << 32) - 1)  # fmt: skip
"""Words at the edges of the types that the format uses; larger ones than a field holds are cut to it."""

_REALS = (0.0, -0.0, -1.0, 1e-45, 1e-38, 3.4e38, float("inf"), float("-inf"), float("nan"), 1.0, 2.0**-31, 2.0**31)

_SCALAR_BYTES = {"b": 1, "h": 2, "i": 4, "f": 4, "q": 8}

# The tables of the schema that the compiler reads. A field is a scalar's width, `[x]` for a vector of scalars,
# a table's name, or `[table]`; `union` is the builtin options, whose fields are hit blindly.
_SCHEMA: dict[str, dict[int, str]] = {
    "Model": {0: "i", 1: "[Code]", 2: "[Subgraph]", 4: "[Buffer]"},
    "Code": {0: "b", 1: "[b]", 2: "i", 3: "i"},
    "Subgraph": {0: "[Tensor]", 1: "[i]", 2: "[i]", 3: "[Operator]", 4: "[b]"},
    "Tensor": {0: "[i]", 1: "b", 2: "i", 3: "[b]", 4: "Quantization", 5: "b", 7: "[i]"},
    "Quantization": {0: "[f]", 1: "[f]", 2: "[f]", 3: "[q]", 6: "i"},
    "Operator": {0: "i", 1: "[i]", 2: "[i]", 3: "b", 4: "union", 5: "[b]", 7: "[b]", 8: "[i]"},
    "Buffer": {0: "[b]", 1: "q", 2: "q"},
}


@dataclass(frozen=True)
class Place:
    """Bytes that mean something: where they are, how many, and what (`b`, `h`, `i`, `q`, `f`, `offset`, `length`)."""

    at: int
    size: int
    kind: str


def places(model: bytes) -> tuple[Place, ...]:
    """Every vtable entry, offset, length and scalar of an undamaged model; of long vectors the first 64 elements."""
    found: set[Place] = {Place(0, 4, "offset"), Place(4, 4, "i")}
    seen: set[tuple[int, str]] = set()

    def u32(at: int) -> int:
        return int(struct.unpack_from("<I", model, at)[0])

    def table(at: int, name: str) -> None:
        if (at, name) in seen:
            return
        seen.add((at, name))
        vtable = at - int(struct.unpack_from("<i", model, at)[0])
        size = int(struct.unpack_from("<H", model, vtable)[0])
        found.update({Place(at, 4, "offset"), Place(vtable, 2, "h"), Place(vtable + 2, 2, "h")})
        for number in range((size - 4) // 2):
            entry = vtable + 4 + 2 * number
            found.add(Place(entry, 2, "h"))
            offset = int(struct.unpack_from("<H", model, entry)[0])
            if offset:
                field(at + offset, _SCHEMA.get(name, {}).get(number, "i"))

    def field(at: int, kind: str) -> None:
        if kind in _SCALAR_BYTES:
            found.add(Place(at, min(_SCALAR_BYTES[kind], len(model) - at), kind))
            return
        found.add(Place(at, 4, "offset"))
        target = at + u32(at)
        if kind == "union":
            table(target, "union")
        elif kind.startswith("["):
            vector(target, kind[1:-1])
        else:
            table(target, kind)

    def vector(at: int, item: str) -> None:
        found.add(Place(at, 4, "length"))
        for k in range(min(u32(at), 64)):
            if item in _SCALAR_BYTES:
                size = _SCALAR_BYTES[item]
                found.add(Place(at + 4 + size * k, size, item))
            else:
                found.add(Place(at + 4 + 4 * k, 4, "offset"))
                table(at + 4 + 4 * k + u32(at + 4 + 4 * k), item)

    table(u32(0), "Model")
    return tuple(sorted((p for p in found if p.at + p.size <= len(model)), key=lambda p: (p.at, p.size, p.kind)))


def _write(damaged: bytearray, place: Place, value: int) -> None:
    damaged[place.at : place.at + place.size] = (value & ((1 << 8 * place.size) - 1)).to_bytes(place.size, "little")


def _read(damaged: bytearray, place: Place) -> int:
    return int.from_bytes(damaged[place.at : place.at + place.size], "little")


_STRUCTURE = ("offset", "length", "h")


def _pick(rng: np.random.Generator, known: tuple[Place, ...]) -> Place:
    """A place; most of those that hold the file together are passed over, or little would get beyond the reader."""
    for _ in range(20):
        place = known[int(rng.integers(0, len(known)))]
        if place.kind not in _STRUCTURE or rng.random() < 0.15:
            return place
    return known[0]


def _extreme(rng: np.random.Generator, damaged: bytearray, known: tuple[Place, ...]) -> None:
    place = _pick(rng, known)
    if place.kind == "f":
        damaged[place.at : place.at + 4] = struct.pack("<f", _REALS[int(rng.integers(0, len(_REALS)))])
    else:
        _write(damaged, place, _EXTREMES[int(rng.integers(0, len(_EXTREMES)))] * (-1 if rng.random() < 0.2 else 1))


def _nudge(rng: np.random.Generator, damaged: bytearray, known: tuple[Place, ...]) -> None:
    place = _pick(rng, known)
    _write(damaged, place, _read(damaged, place) + int(rng.choice([-4, -2, -1, 1, 2, 4])))


def _small(rng: np.random.Generator, damaged: bytearray, known: tuple[Place, ...]) -> None:
    """Another plausible number: a code, an index, a dtype, a size."""
    _write(damaged, _pick(rng, known), int(rng.integers(-2, 160)))


def _double(rng: np.random.Generator, damaged: bytearray, known: tuple[Place, ...]) -> None:
    place = _pick(rng, known)
    _write(damaged, place, _read(damaged, place) << int(rng.integers(1, 9)))


def _redirect(rng: np.random.Generator, damaged: bytearray, known: tuple[Place, ...]) -> None:
    """An offset that leads to another real place of the file: tables that share, repeat or contain each other."""
    offsets = [place for place in known if place.kind == "offset"]
    place, target = _pick(rng, tuple(offsets)), _pick(rng, known)
    _write(damaged, place, target.at - place.at)


def _swap(rng: np.random.Generator, damaged: bytearray, known: tuple[Place, ...]) -> None:
    one, other = _pick(rng, known), _pick(rng, known)
    value = _read(damaged, one)
    _write(damaged, one, _read(damaged, other))
    _write(damaged, other, value)


def _flip(rng: np.random.Generator, damaged: bytearray, _: tuple[Place, ...]) -> None:
    damaged[int(rng.integers(0, len(damaged)))] ^= 1 << int(rng.integers(0, 8))


def _copy(rng: np.random.Generator, damaged: bytearray, _: tuple[Place, ...]) -> None:
    size = int(rng.integers(1, min(64, len(damaged))))
    source, target = (int(rng.integers(0, len(damaged) - size + 1)) for _ in range(2))
    damaged[target : target + size] = damaged[source : source + size]


def _cut(rng: np.random.Generator, damaged: bytearray, _: tuple[Place, ...]) -> None:
    del damaged[int(rng.integers(8, len(damaged))) :]
    damaged.extend(bytes(64))  # later damage still finds bytes to hit


DAMAGE: dict[str, Callable[[np.random.Generator, bytearray, tuple[Place, ...]], None]] = {
    "extreme": _extreme,
    "nudge": _nudge,
    "small": _small,
    "double": _double,
    "redirect": _redirect,
    "swap": _swap,
    "flip": _flip,
    "copy": _copy,
    "cut": _cut,
}
"""Kinds of damage by name."""

_LIKELIHOOD = (0.2, 0.22, 0.26, 0.08, 0.06, 0.06, 0.06, 0.04, 0.02)


def mutated(model: bytes, known: tuple[Place, ...], rng: np.random.Generator) -> bytes:
    """`model` with one to four pieces of damage."""
    damaged = bytearray(model)
    for name in rng.choice(list(DAMAGE), int(rng.choice([1, 1, 2, 3, 4])), p=_LIKELIHOOD):
        fitting = known if len(damaged) == len(model) else tuple(p for p in known if p.at + p.size <= len(damaged))
        DAMAGE[str(name)](rng, damaged, fitting)
    return bytes(damaged)
