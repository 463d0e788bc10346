"""A FlatBuffer reader that trusts nothing: every offset, length and type is checked before it is used.

The official Python reader follows whatever offsets a file holds; a model from outside must not be able to
crash the compiler or exhaust memory. Source: https://flatbuffers.dev (internals, binary format).
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from tinykd.errors import UnsupportedModel

_SCALARS = {
    "int8": struct.Struct("<b"),
    "uint8": struct.Struct("<B"),
    "bool": struct.Struct("<?"),
    "int32": struct.Struct("<i"),
    "uint32": struct.Struct("<I"),
    "uint64": struct.Struct("<Q"),
    "float32": struct.Struct("<f"),
}
_UINT16, _INT32, _UINT32 = struct.Struct("<H"), struct.Struct("<i"), struct.Struct("<I")

_READS_PER_BYTE = 64
"""Tables may share vectors; without a limit on all reads together a small file could ask for terabytes."""


class Buffer:
    """The bytes of a FlatBuffer and the allowance of bytes that may still be copied out of it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._allowance = (len(data) + 65536) * _READS_PER_BYTE

    def unpack(self, layout: struct.Struct, position: int) -> Any:
        """The scalar at `position` (bytes from the start)."""
        if position < 0 or position + layout.size > len(self.data):
            raise _corrupt(f"an offset leads to byte {position} of {len(self.data)}")
        return layout.unpack_from(self.data, position)[0]

    def take(self, position: int, size: int) -> memoryview:
        """`size` bytes at `position`, charged to the allowance."""
        if position < 0 or size < 0 or position + size > len(self.data):
            raise _corrupt(f"a vector of {size} bytes at byte {position} leaves the file of {len(self.data)} bytes")
        self._allowance -= size
        if self._allowance < 0:
            raise _corrupt("its tables repeat each other beyond reason")
        return memoryview(self.data)[position : position + size]

    def root(self, identifier: bytes) -> Table:
        """The root table of a file with the given four-byte identifier."""
        if len(self.data) < 8:
            raise _corrupt(f"it holds only {len(self.data)} bytes")
        if self.data[4:8] != identifier:
            raise UnsupportedModel(
                f"this is not a {identifier.decode()} file (identifier {self.data[4:8]!r})",
                "give a .tflite model; Keras models are converted by `tinykd distill`",
            )
        return Table(self, self.unpack(_UINT32, 0))


class Table:
    """A table of the buffer; fields are addressed by their number in the schema."""

    def __init__(self, buffer: Buffer, position: int) -> None:
        self._buffer = buffer
        self._position = position
        self._vtable = position - buffer.unpack(_INT32, position)
        self._vtable_bytes = buffer.unpack(_UINT16, self._vtable)
        buffer.take(self._vtable, self._vtable_bytes)

    def _field(self, number: int) -> int | None:
        entry = 4 + 2 * number
        if entry + 2 > self._vtable_bytes:
            return None
        offset = self._buffer.unpack(_UINT16, self._vtable + entry)
        return self._position + offset if offset else None

    def _target(self, number: int) -> int | None:
        position = self._field(number)
        return None if position is None else position + int(self._buffer.unpack(_UINT32, position))

    def scalar(self, number: int, kind: str, default: Any) -> Any:
        """Field `number` of a scalar type, or its default when absent."""
        position = self._field(number)
        return default if position is None else self._buffer.unpack(_SCALARS[kind], position)

    def table(self, number: int) -> Table | None:
        """Field `number` as a table."""
        position = self._target(number)
        return None if position is None else Table(self._buffer, position)

    def vector(self, number: int, dtype: str) -> npt.NDArray[Any] | None:
        """Field `number` as a read-only vector of `dtype`, without a copy."""
        position = self._target(number)
        if position is None:
            return None
        item = np.dtype(dtype).newbyteorder("<")
        count = int(self._buffer.unpack(_UINT32, position))
        return np.frombuffer(self._buffer.take(position + 4, count * item.itemsize), item)

    def text(self, number: int) -> str:
        """Field `number` as text; bytes that are not UTF-8 are replaced."""
        raw = self.vector(number, "uint8")
        return "" if raw is None else raw.tobytes().decode("utf-8", "replace")

    def tables(self, number: int) -> list[Table]:
        """Field `number` as a vector of tables."""
        position = self._target(number)
        if position is None:
            return []
        count = int(self._buffer.unpack(_UINT32, position))
        start = position + 4
        self._buffer.take(start, 4 * count)
        return [Table(self._buffer, start + 4 * k + self._buffer.unpack(_UINT32, start + 4 * k)) for k in range(count)]


def _corrupt(why: str) -> UnsupportedModel:
    return UnsupportedModel(f"the file is corrupt or truncated: {why}", "copy or convert the model again")
