"""What an image's ELF becomes for tools that read no ELF: raw bytes, Intel HEX, UF2."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from tinykd.target.elf import Segment

ERASED = 0xFF
"""What flash holds where nothing was written."""

RECORD = 16
"""Bytes of a data record of Intel HEX."""

UF2_PAYLOAD = 256
UF2_FAMILIES: dict[str, int] = {"rp2040": 0xE48BFF56, "rp2350-arm-s": 0xE48BFF59, "rp2350-riscv": 0xE48BFF5A}
"""Family numbers, https://github.com/microsoft/uf2/blob/master/utils/uf2families.json."""


def start_of(segments: Sequence[Segment]) -> int:
    """The lowest address in flash that the image writes."""
    return min(segment.load for segment in segments)


def flat(segments: Sequence[Segment]) -> bytes:
    """The image from its lowest to its highest byte; what lies between is as after erasing."""
    low = start_of(segments)
    data = bytearray([ERASED]) * (max(segment.load + len(segment.contents) for segment in segments) - low)
    for segment in segments:
        data[segment.load - low : segment.load - low + len(segment.contents)] = segment.contents
    return bytes(data)


def intel_hex(segments: Sequence[Segment]) -> str:
    """Intel HEX, 32 bits (Intel Hexadecimal Object File Format Specification, revision A): types 04, 00 and 01."""
    lines, upper = list[str](), -1
    for segment in sorted(segments, key=lambda one: one.load):
        at, end = segment.load, segment.load + len(segment.contents)
        while at < end:
            if at >> 16 != upper:
                upper = at >> 16
                lines.append(_record(0, 4, upper.to_bytes(2, "big")))
            stop = min(end, at + RECORD, (upper + 1) << 16)
            lines.append(_record(at & 0xFFFF, 0, segment.contents[at - segment.load : stop - segment.load]))
            at = stop
    return "\n".join([*lines, _record(0, 1, b"")]) + "\n"


def _record(address: int, kind: int, data: bytes) -> str:
    body = bytes([len(data), address >> 8, address & 0xFF, kind]) + data
    return f":{body.hex().upper()}{-sum(body) & 0xFF:02X}"


def uf2(segments: Sequence[Segment], family: int) -> bytes:
    """UF2 (https://github.com/microsoft/uf2): blocks of 512 bytes, each with 256 bytes for an aligned address."""
    pages = list(_pages(segments))
    blocks = (
        struct.pack("<8I", 0x0A324655, 0x9E5D5157, 0x2000, address, UF2_PAYLOAD, number, len(pages), family)
        + page.ljust(476, b"\0")
        + struct.pack("<I", 0x0AB16F30)
        for number, (address, page) in enumerate(pages)
    )
    return b"".join(blocks)


def _pages(segments: Sequence[Segment]) -> Iterator[tuple[int, bytes]]:
    """The pages of 256 bytes that the image touches."""
    low, data = start_of(segments), flat(segments)
    first, end = low - low % UF2_PAYLOAD, low + len(data)
    padded = bytes([ERASED]) * (low - first) + data
    for at in range(first, end, UF2_PAYLOAD):
        if any(segment.load < at + UF2_PAYLOAD and at < segment.load + len(segment.contents) for segment in segments):
            yield at, padded[at - first : at - first + UF2_PAYLOAD].ljust(UF2_PAYLOAD, bytes([ERASED]))
