"""The framed byte stream that firmware and host speak (docs/serial_protocol.md); `firmware/app/frame.h` is the other side.

0xA5, kind (1 byte), tag (1 byte), length (4 bytes, little-endian), payload, CRC-32 of kind, tag, length and payload (4 bytes)
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

START = 0xA5
LONGEST = 1 << 24
"""Payload bytes beyond which a length is taken for damaged."""

_HEAD = struct.Struct("<BBBI")
_CHECKSUM = struct.Struct("<I")


@dataclass(frozen=True)
class Frame:
    """A message: its kind, one letter, its payload, and its tag: an answer has the tag of what it answers, anything else 0."""

    kind: str
    payload: bytes = b""
    tag: int = 0

    def words(self) -> tuple[int, ...]:
        """The payload as unsigned little-endian 32-bit words; bytes after the last whole word are left out."""
        count = len(self.payload) // 4
        return struct.unpack(f"<{count}I", self.payload[: 4 * count])


def encode(frame: Frame) -> bytes:
    """The frame as bytes."""
    head = _HEAD.pack(START, ord(frame.kind), frame.tag, len(frame.payload))
    return head + frame.payload + _CHECKSUM.pack(zlib.crc32(head[1:] + frame.payload))


class Decoder:
    """Finds the intact frames in a stream that comes in pieces.

    What is damaged is skipped, up to the next start byte that begins an intact frame.

    Attributes:
        skipped: bytes so far that were no part of an intact frame.
    """

    def __init__(self, longest: int = LONGEST) -> None:
        self._held = bytearray()
        self._longest = longest
        self.skipped = 0

    def feed(self, piece: bytes) -> Iterator[Frame]:
        """The frames that are complete with `piece`."""
        self._held += piece
        while (frame := self._next()) is not None:
            yield frame

    def give_up(self) -> Iterator[Frame]:
        """Nothing more will come of the frame at the front: the frames behind its start byte."""
        while self._held:
            self._skip(1)
            yield from self.feed(b"")

    def _skip(self, count: int) -> None:
        del self._held[:count]
        self.skipped += count

    def _next(self) -> Frame | None:
        """The first frame, taken off; None if there is none, or not all of it yet."""
        held = self._held
        while True:
            start = held.find(START)
            self._skip(len(held) if start < 0 else start)
            if len(held) < _HEAD.size:
                return None
            _, kind, tag, length = _HEAD.unpack_from(held)
            end = _HEAD.size + length
            if length <= self._longest:
                if len(held) < end + _CHECKSUM.size:
                    return None
                if _CHECKSUM.unpack_from(held, end)[0] == zlib.crc32(held[1:end]):
                    payload = bytes(held[_HEAD.size : end])
                    del held[: end + _CHECKSUM.size]
                    return Frame(chr(kind), payload, tag)
            self._skip(1)


def decode(stream: bytes) -> Iterator[Frame]:
    """The intact frames of a whole stream."""
    decoder = Decoder()
    yield from decoder.feed(stream)
    yield from decoder.give_up()
