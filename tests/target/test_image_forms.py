"""Raw bytes, Intel HEX and UF2 of an image: read again by others' readers, and checked against the formats' own examples."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinykd.target.elf import Segment
from tinykd.target.image_forms import UF2_FAMILIES, flat, intel_hex, start_of, uf2


def segment(load: int, contents: bytes) -> Segment:
    return Segment(load=load, address=load, offset=0, contents=contents)


@st.composite
def images(draw: st.DrawFn) -> list[Segment]:
    """Up to four stretches with gaps, anywhere in flash, also across boundaries of 64 KiB."""
    at, found = draw(st.sampled_from([0, 0x0800_0000, 0x1000_0000, 0x0000_FFF0, 0x1000_FF01])), list[Segment]()
    for _ in range(draw(st.integers(1, 4))):
        contents = draw(st.binary(min_size=1, max_size=600))
        found.append(segment(at, contents))
        at += len(contents) + draw(st.integers(0, 700))
    return found


def test_gaps_are_as_after_erasing() -> None:
    assert flat([segment(0x104, b"cd"), segment(0x100, b"ab")]) == b"ab\xff\xffcd"
    assert start_of([segment(0x104, b"cd"), segment(0x100, b"ab")]) == 0x100


def test_record_by_hand() -> None:
    """The example record of the specification's check sum: 0x55 + 0xAA pairs sum to zero with it."""
    lines = intel_hex(
        [segment(0x0800_0100, bytes([0x21, 0x46, 0x01, 0x36, 0x01, 0x21, 0x47, 0x01, 0x36, 0x00, 0x7E, 0xFE, 0x09, 0xD2, 0x19, 0x01]))]
    )
    assert lines.splitlines() == [":020000040800F2", ":10010000214601360121470136007EFE09D2190140", ":00000001FF"]


@given(images())
def test_intelhex_reads_the_same_bytes(image: list[Segment]) -> None:
    intelhex = pytest.importorskip("intelhex", reason="no intelhex here; the record by hand stands for it")
    read = intelhex.IntelHex(io.StringIO(intel_hex(image)))
    assert sorted(read.addresses()) == sorted(s.load + k for s in image for k in range(len(s.contents)))
    assert all(read[s.load + k] == byte for s in image for k, byte in enumerate(s.contents))


@given(images())
def test_uf2_blocks_hold_every_byte_once(image: list[Segment]) -> None:
    data = uf2(image, UF2_FAMILIES["rp2040"])
    assert len(data) % 512 == 0
    blocks = [data[at : at + 512] for at in range(0, len(data), 512)]
    memory: dict[int, int] = {}
    for number, block in enumerate(blocks):
        magic, second, flags, address, size, index, count, family = struct.unpack("<8I", block[:32])
        assert (magic, second, struct.unpack("<I", block[508:])[0]) == (0x0A324655, 0x9E5D5157, 0x0AB16F30)
        assert (flags, size, index, count, family) == (0x2000, 256, number, len(blocks), 0xE48BFF56)
        assert address % 256 == 0
        assert address not in memory
        memory |= {address + k: byte for k, byte in enumerate(block[32:288])}
    written = {s.load + k: byte for s in image for k, byte in enumerate(s.contents)}
    assert {at: memory[at] for at in written} == written
    assert all(byte == 0xFF for at, byte in memory.items() if at not in written)
