"""docs/serial_protocol.md: the example says what it claims, and the client in it works."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from tinykd.target.frames import Frame, decode, encode
from tinykd.target.identity import GoldenCheck, Identity, read_identity

PAGE = (Path(__file__).parent.parent / "docs" / "serial_protocol.md").read_text()
EXCHANGE = [(way, bytes.fromhex(data)) for way, data in re.findall(r"^    ([<>]) ([0-9a-f ]+)$", PAGE, re.MULTILINE)]


def test_the_exchange_is_made_of_whole_frames_that_say_what_the_text_says() -> None:
    frames = [next(iter(decode(data))) for _, data in EXCHANGE]
    assert [encode(frame) for frame in frames] == [data for _, data in EXCHANGE]
    assert [way for way, _ in EXCHANGE] == [">", "<"] * 4
    assert [(frame.kind, frame.tag) for frame in frames] == [
        (k, t) for t, k in enumerate("BRRS", 1) for k in (k, "E" if t == 3 and k == "R" else k)
    ]
    assert read_identity(frames[1]) == Identity(
        3, 2, GoldenCheck(1, 2, 0), 0x12345678, 0x12345678, 64_000_000, "0123456789abcdef" * 4, "demo", "0.1.0"
    )
    assert frames[2].payload == bytes([1, 2, 3])
    assert frames[3].words()[:2] == (1852, 0)
    assert [b - 256 * (b > 127) for b in frames[3].payload[8:]] == [-2, 2]
    assert frames[5].words() == (2,)
    assert frames[7].words() == (332, 448, 176)


class Port:
    """The serial port of the example, whose firmware first prints something."""

    def __init__(self) -> None:
        self.sent = b""
        self._left = b"noise" + encode(Frame("M", b"weights intact\n")) + EXCHANGE[3][1]

    def write(self, data: bytes) -> None:
        self.sent += data

    def read(self, count: int) -> bytes:
        piece, self._left = self._left[:count], self._left[count:]
        return piece


def test_the_client_in_python_works() -> None:
    code = textwrap.dedent(re.search(r"^    import serial.*?^    kind, answer", PAGE, re.MULTILINE | re.DOTALL)[0])  # type: ignore[index]
    names: dict[str, object] = {}
    lines = code.replace("import serial, ", "import ").splitlines()
    exec("\n".join(lines[: lines.index('port = serial.Serial("/dev/ttyACM0", 115200, timeout=10)')]), names)
    port = Port()
    kind, answer = names["ask"](port, "R", bytes([1, 2, 3]), 2)  # type: ignore[operator]
    assert (kind, answer[8:]) == ("R", b"\xfe\x02")
    assert port.sent == EXCHANGE[2][1]
