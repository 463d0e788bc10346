"""What a firmware says of itself: the payload of its 'B' frames."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from tinykd.errors import ToolError
from tinykd.target.frames import Frame

PROTOCOL = 2

_WORDS = struct.Struct("<9I")


@dataclass(frozen=True)
class GoldenCheck:
    """What the firmware found when it repeated its golden vectors.

    Attributes:
        vectors: inferences.
        compared: output bytes.
        differing: output bytes that were not as expected.
    """

    vectors: int
    compared: int
    differing: int


@dataclass(frozen=True)
class Identity:
    """A firmware, and what it found when it started.

    Attributes:
        input_bytes, output_bytes: of one inference, all inputs or outputs end to end.
        golden: its golden vectors.
        constants_crc: CRC-32 of the model's constants when they were exported.
        constants_crc_found: of the constants in the target's memory.
        clock_hz: ticks of its clock a second; None where unknown.
        model_sha256: of the `.tflite`.
        model: its C name.
        version: of the tinykd that wrote the firmware.
    """

    input_bytes: int
    output_bytes: int
    golden: GoldenCheck
    constants_crc: int
    constants_crc_found: int
    clock_hz: int | None
    model_sha256: str
    model: str
    version: str

    @property
    def intact(self) -> bool:
        """The constants in memory are those that were exported."""
        return self.constants_crc == self.constants_crc_found


def read_identity(frame: Frame) -> Identity:
    """The content of a 'B' frame.

    Raises:
        ToolError: it speaks another protocol, or is none of tinykd's.
    """
    protocol = (frame.words() or (0,))[0]
    if protocol != PROTOCOL:
        raise ToolError(f"the firmware speaks protocol {protocol}, not {PROTOCOL}", "export, build and flash again with this version")
    lines = frame.payload[_WORDS.size :].decode("utf-8", "replace").split("\n")
    if len(frame.payload) < _WORDS.size or len(lines) < 3:
        raise ToolError("the firmware's 'B' frame is not one of tinykd's", "export, build and flash again with this version")
    _, fed, got, vectors, compared, differing, exported, found, clock_hz = _WORDS.unpack_from(frame.payload)
    golden = GoldenCheck(vectors, compared, differing)
    return Identity(fed, got, golden, exported, found, clock_hz or None, *lines[:3])
