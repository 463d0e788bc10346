"""What the host makes of a bad line and a board that resets, with a board played in Python: thousands of faults in seconds."""

from __future__ import annotations

import random
import struct
import time
from collections.abc import Callable

import pytest

from tinykd.errors import ToolError
from tinykd.target.board_session import BoardSession, Patience
from tinykd.target.frames import Frame, encode
from tinykd.target.identity import PROTOCOL, GoldenCheck, Identity

WHO = Identity(3, 4, GoldenCheck(2, 8, 0), 0xCAFE, 0xCAFE, 1000, "ab" * 32, "fake", "0.0.1")
SHORT = Patience(answer_s=0.06, hello_s=0.5, again_s=0.02, quiet_s=0.008, tries=40, silences=8, restarts=8)
PAUSE_S = 0.004
TICKS = 5 + (7 << 32)


def hello(who: Identity = WHO, tag: int = 0) -> bytes:
    words = (PROTOCOL, who.input_bytes, who.output_bytes, 2, 8, 0, who.constants_crc, who.constants_crc_found, who.clock_hz or 0)
    return encode(Frame("B", struct.pack("<9I", *words) + f"{who.model_sha256}\n{who.model}\n{who.version}\n".encode(), tag))


class FakeBoard:
    """The firmware's side of the protocol. Its model has a state: how many inferences there were since the last reset.

    Attributes:
        to_board, to_host: what the wire does.
        asked: kinds of the intact frames that arrived.
    """

    port = "fake"

    def __init__(self) -> None:
        self.to_board: Callable[[bytes], bytes] = bytes
        self.to_host: Callable[[bytes], bytes] = bytes
        self.asked = ""
        self.boots = 0
        self._held, self._replies = bytearray(), bytearray()
        self._last = 0.0
        self.state = 0
        self.reset()

    def reset(self) -> None:
        self._held.clear()
        self.state, self.boots = 0, self.boots + 1
        self.say(encode(Frame("M", b"booting\n")) + hello())

    def say(self, data: bytes) -> None:
        self._replies += self.to_host(data)

    def send(self, data: bytes) -> None:
        self._held += self.to_board(data)
        self._last = time.monotonic()
        self._work()

    def receive(self) -> bytes:
        if self._held and time.monotonic() > self._last + PAUSE_S:
            self._held.clear()
            self.say(encode(Frame("E", struct.pack("<I", 5), 9)))
        if not self._replies:
            time.sleep(0.001)
        piece = bytes(self._replies[:7])
        del self._replies[:7]
        return piece

    def _work(self) -> None:
        """As `serve` of main.c: no going back to an earlier byte."""
        while True:
            start = self._held.find(0xA5)
            del self._held[: len(self._held) if start < 0 else start]
            if len(self._held) < 7:
                return
            _, kind, tag, length = struct.unpack_from("<BBBI", self._held)
            if len(self._held) < 11 + length:
                return
            frame = Frame(chr(kind), bytes(self._held[7 : 7 + length]), tag)
            intact = bytes(self._held[: 11 + length]) == encode(frame)
            del self._held[: 11 + length]
            if intact:
                self.asked += frame.kind
                self.answer(frame)
            else:
                self.say(encode(Frame("E", struct.pack("<I", 3), tag)))

    def answer(self, frame: Frame) -> None:
        if frame.kind == "B":
            self.say(hello(tag=frame.tag))
        elif frame.kind == "Z":
            self.state = 0
            self.say(encode(Frame("Z", tag=frame.tag)))
        elif frame.kind == "S":
            self.say(encode(Frame("S", struct.pack("<3I", 332, 448, 176), frame.tag)))
        elif frame.kind == "R":
            self.state += 1
            self.say(encode(Frame("R", struct.pack("<Q", TICKS) + frame.payload + bytes([self.state]), frame.tag)))


def session(board: FakeBoard, patience: Patience = SHORT) -> BoardSession:
    opened = BoardSession(board, patience)
    assert opened.connect() == WHO
    return opened


INPUTS = [bytes([k, 0xA5, 255 - k]) for k in range(9)]


def test_a_good_line() -> None:
    opened = session(FakeBoard())
    served = opened.run_inputs(INPUTS, resets=range(0, 9, 3))
    assert [i.outputs for i in served.inferences] == [fed + bytes([k % 3 + 1]) for k, fed in enumerate(INPUTS)]
    assert {i.ticks for i in served.inferences} == {TICKS}
    assert {i.instructions for i in served.inferences} == {None}
    assert (served.stack_high_water, served.stack_reserved, served.arena_bytes, served.identity) == (332, 448, 176, WHO)
    assert (opened.tally.retries, opened.tally.restarts, opened.tally.skipped) == (0, 0, 0)


@pytest.mark.parametrize("seed", range(25))
def test_whatever_the_line_does_a_state_goes_on_from_its_reset(seed: int) -> None:
    """Bits flip, bytes go missing, come twice or out of nowhere, in both directions, and the board resets now and then."""
    rng, board = random.Random(seed), FakeBoard()
    opened = session(board)

    def spoil(piece: bytes) -> bytes:
        if rng.random() < 0.02:
            board.reset()
            return b""
        spoiled = bytearray()
        for byte in piece:
            fate = rng.randrange(150 * 4)
            spoiled += {0: b"", 1: bytes([byte, byte]), 2: bytes([byte ^ 1 << rng.randrange(8)]), 3: rng.randbytes(5) + bytes([byte])}.get(
                fate, bytes([byte])
            )
        return bytes(spoiled)

    board.to_board = spoil
    board.to_host = lambda piece: bytes(b ^ (rng.randrange(300) == 0) for b in piece)
    served = opened.run_inputs(INPUTS, resets=range(0, 9, 3))
    assert [i.outputs for i in served.inferences] == [fed + bytes([k % 3 + 1]) for k, fed in enumerate(INPUTS)]
    assert {i.ticks for i in served.inferences} == {TICKS}


def test_an_answer_that_comes_late_is_not_taken_for_the_next_one() -> None:
    board = FakeBoard()
    opened = session(board)
    held = bytearray()

    def late(piece: bytes) -> bytes:
        """The first answer stays on the wire until the second one comes."""
        if piece[1:2] == b"R" and not held:
            held.extend(piece)
            return b""
        return bytes(held) + piece

    board.to_host = late
    served = opened.run_inputs(INPUTS[:3])
    assert [i.outputs[:3] for i in served.inferences] == INPUTS[:3]


def test_a_board_that_resets_is_asked_again_from_the_last_reset() -> None:
    board = FakeBoard()
    opened = session(board)
    pulled = iter([False, False, False, True])

    def press(piece: bytes) -> bytes:
        if next(pulled, False):
            board.reset()
            return b""
        return piece

    board.to_board = press
    served = opened.run_inputs(INPUTS[:3], resets=[0])
    assert [i.outputs[3] for i in served.inferences] == [1, 2, 3]
    assert (opened.tally.restarts, opened.tally.retries) == (1, 1)
    assert board.asked == "B" + "ZRR" + "ZRRR" + "S"


def test_a_board_that_resets_again_and_again() -> None:
    board = FakeBoard()
    opened = session(board)
    board.answer = lambda _: board.reset()  # type: ignore[method-assign]
    with pytest.raises(ToolError, match=r"started again 8 times at inference 0: .*booting"):
        opened.run_inputs(INPUTS)


def test_a_board_that_falls_silent() -> None:
    board = FakeBoard()
    opened = session(board)
    board.answer = lambda _: None  # type: ignore[method-assign]
    with pytest.raises(ToolError, match=r"stopped answering.*inference 0") as caught:
        opened.run_inputs(INPUTS)
    assert "--timeout" in caught.value.hint


def test_a_line_too_bad() -> None:
    board = FakeBoard()
    opened = session(board)
    board.to_board = lambda piece: piece[:-1] + bytes([piece[-1] ^ 1])
    with pytest.raises(ToolError, match="too bad: inference 0 was damaged 40 times"):
        opened.run_inputs(INPUTS)


def test_a_fault_is_told_in_the_firmwares_words() -> None:
    board = FakeBoard()
    opened = session(board)
    told = encode(Frame("M", b"FAULT\n")) + encode(Frame("M", b"pc 0x00001234\n")) + encode(Frame("X", struct.pack("<I", 70)))
    board.answer = lambda _: board.say(told)  # type: ignore[method-assign]
    with pytest.raises(ToolError, match="faulted: FAULT pc 0x00001234"):
        opened.run_inputs(INPUTS)


@pytest.mark.parametrize(
    ("complaint", "words"), [(1, "does not know the kind"), (2, "wrong length"), (4, "refused the arena"), (99, "complaint 99")]
)
def test_a_refusal_is_not_asked_again(complaint: int, words: str) -> None:
    board = FakeBoard()
    opened = session(board)
    board.answer = lambda frame: board.say(encode(Frame("E", struct.pack("<I", complaint), frame.tag)))  # type: ignore[method-assign]
    with pytest.raises(ToolError, match=words):
        opened.run_inputs(INPUTS)
    assert board.asked == "BR"


def test_another_firmware_after_a_reset_is_no_answer() -> None:
    board = FakeBoard()
    opened = session(board)
    other = Identity(3, 4, GoldenCheck(2, 8, 0), 0xCAFE, 0xCAFF, 1000, "ab" * 32, "fake", "0.0.1")
    board.answer = lambda _: board.say(hello(other))  # type: ignore[method-assign]
    with pytest.raises(ToolError, match="now runs another firmware"):
        opened.run_inputs(INPUTS)


@pytest.mark.parametrize("payload", [b"", struct.pack("<6I", 1, 3, 4, 2, 8, 0), struct.pack("<9I", 3, *range(8)) + b"a\nb\nc\n"])
def test_a_firmware_of_another_protocol_is_refused(payload: bytes) -> None:
    board = FakeBoard()
    board._replies.clear()
    board.answer = lambda frame: board.say(encode(Frame("B", payload, frame.tag)))  # type: ignore[method-assign]
    with pytest.raises(ToolError, match=r"speaks protocol [013], not 2"):
        BoardSession(board, SHORT).connect()


def test_a_cut_boot_frame_is_refused() -> None:
    board = FakeBoard()
    board._replies.clear()
    board.answer = lambda frame: board.say(encode(Frame("B", struct.pack("<4I", PROTOCOL, 3, 4, 2), frame.tag)))  # type: ignore[method-assign]
    with pytest.raises(ToolError, match="not one of tinykd's"):
        BoardSession(board, SHORT).connect()
