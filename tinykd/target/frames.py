"""The framed byte stream that firmware and host speak; `firmware/app/frame.h` is the other side.

0xA5, kind (1 byte), length (4 bytes, little-endian), payload, CRC-32 of kind, length and payload (4 bytes)
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

START = 0xA5
_HEAD = struct.Struct("<BBI")


@dataclass(frozen=True)
class Frame:
    """A message: its kind, one letter, and its payload."""

    kind: str
    payload: bytes = b""

    def words(self) -> tuple[int, ...]:
        """The payload as unsigned little-endian 32-bit words; bytes after the last whole word are left out."""
        count = len(self.payload) // 4
        return struct.unpack(f"<{count}I", self.payload[: 4 * count])


def encode(frame: Frame) -> bytes:
    """The frame as bytes."""
    head = _HEAD.pack(START, ord(frame.kind), len(frame.payload))
    return head + frame.payload + struct.pack("<I", zlib.crc32(head[1:] + frame.payload))


def decode(stream: bytes) -> Iterator[Frame]:
    """The intact frames of a stream. What is damaged or cut off is skipped, up to the next start byte that begins a good frame."""
    at = 0
    while (at := stream.find(START, at)) >= 0 and at + _HEAD.size <= len(stream):
        _, kind, length = _HEAD.unpack_from(stream, at)
        end = at + _HEAD.size + length
        checksum = stream[end : end + 4]
        if len(checksum) == 4 and struct.unpack("<I", checksum)[0] == zlib.crc32(memoryview(stream)[at + 1 : end]):
            yield Frame(chr(kind), stream[at + _HEAD.size : end])
            at = end + 4
        else:
            at += 1
