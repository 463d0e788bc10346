"""Inferences on a board over a serial line: what the emulator's session does, on a line that loses bytes and a board that resets."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tinykd.errors import ToolError
from tinykd.target.emulator.emulator import FAULT
from tinykd.target.frames import Decoder, Frame, encode
from tinykd.target.identity import Identity, read_identity
from tinykd.target.serve import COMPLAINTS, Inference, Served

DAMAGE = (3, 5)
"""Complaints that say a frame was damaged on its way: it is sent again. All others are answers."""

_WORD = 4


class Line(Protocol):
    """A byte stream in both directions; see `SerialLine`."""

    port: str

    def send(self, data: bytes) -> None: ...

    def receive(self) -> bytes: ...


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds, and how often to try.

    Attributes:
        answer_s: for the first byte of an answer, an inference included, and between any two bytes.
        hello_s, again_s: for a board that boots, and until it is asked again.
        quiet_s: silence after which nothing more comes of a damaged frame: the firmware gives up a frame after half a second.
        tries: of one request before the line is given up.
        silences, restarts: of all that fell silent or brought a restart, before the board is given up.
    """

    answer_s: float = 10.0
    hello_s: float = 10.0
    again_s: float = 1.0
    quiet_s: float = 0.75
    tries: int = 8
    silences: int = 2
    restarts: int = 3


@dataclass
class Tally:
    """What went wrong on the line and was mended.

    Attributes:
        retries: requests sent again.
        restarts: times that the board started again.
        skipped: bytes received that were no part of an intact frame.
    """

    retries: int = 0
    restarts: int = 0
    skipped: int = 0


class _Damaged(Exception):
    """A frame was damaged in either direction."""


class _Silent(Exception):
    """No answer came."""


class _Restarted(Exception):
    """The board says that it has started."""


@dataclass
class BoardSession:
    """A board that runs tinykd's firmware. `connect` comes first.

    Attributes:
        text: what the firmware printed.
    """

    line: Line
    patience: Patience = field(default_factory=Patience)
    tally: Tally = field(default_factory=Tally)
    text: str = ""
    _identity: Identity | None = None
    _decoder: Decoder = field(default_factory=Decoder)
    _tag: int = 0

    def connect(self) -> Identity:
        """Ask who is there, again each second of silence, until it answers.

        Raises:
            ToolError: nothing that speaks this protocol does.
        """
        heard, begun = 0, time.monotonic()
        last = asked = begun - self.patience.again_s
        while (now := time.monotonic()) < begun + self.patience.hello_s:
            if now >= max(last, asked) + self.patience.again_s:
                self._post("B", b"")
                asked = now
            piece = self.line.receive()
            heard += len(piece)
            last = now if piece else last
            for frame in self._decoder.feed(piece) if now < last + self.patience.quiet_s else self._decoder.give_up():
                self.text += self._printed(frame)
                if frame.kind == "B":
                    self._identity = read_identity(frame)
                    self._settle()
                    return self._identity
        if heard == 0:
            raise ToolError(
                f"nothing answers at {self.line.port}: no byte came in {self.patience.hello_s:g} s",
                "press the board's reset button; is tinykd's firmware flashed on it, and this its port?",
            )
        raise ToolError(
            f"{heard} bytes came from {self.line.port}, but no frame of tinykd's",
            "another --baud, or another program on the board: flash tinykd's firmware",
        )

    def run_inputs(self, inputs: Sequence[bytes], *, resets: Collection[int] = ()) -> Served:
        """Run each set of inputs, ask for the stack; see `Session.run_inputs`.

        What is damaged on its way is sent again. A model with a state starts again from its last reset.

        Raises:
            ToolError: the board faulted, fell silent, restarts again and again, or refused an input; or the line is too bad.
        """
        assert self._identity is not None, "connect first"
        starts = sorted({0, *resets}) if resets else list(range(len(inputs)))
        inferences = list[Inference]()
        for start, end in zip(starts, [*starts[1:], len(inputs)]):
            asked = [("Z", b"")] * (start in resets) + [("R", fed) for fed in inputs[start:end]]
            answers = self._all(asked, f"inference {start}")
            inferences += [_inference(frame) for frame in answers if frame.kind == "R"]
        words = self._all([("S", b"")], "the stack")[0].words()
        if len(words) != 3:
            raise ToolError("the firmware's 'S' frame is not one of tinykd's", "export, build and flash again with this version")
        return Served(self._identity, tuple(inferences), words[0] or None, words[1] or None, words[2], self.text)

    def _all(self, asked: Sequence[tuple[str, bytes]], what: str) -> list[Frame]:
        """The answers to requests that belong together: after a failure all of them are asked again."""
        silences = restarts = 0
        for _ in range(self.patience.tries):
            try:
                return [self._ask(kind, payload) for kind, payload in asked]
            except _Damaged:
                pass
            except _Silent:
                silences += 1
            except _Restarted:
                restarts += 1
                self.tally.restarts += 1
            if silences >= self.patience.silences:
                raise ToolError(
                    f"the board at {self.line.port} stopped answering: nothing came for {self.patience.answer_s:g} s, twice, at {what}",
                    "press its reset button and start over; --timeout gives a slow inference more time",
                )
            if restarts >= self.patience.restarts:
                raise ToolError(
                    f"the board at {self.line.port} started again {restarts} times at {what}: {' '.join(self.text.split())[-300:]}",
                    "check its supply, its watchdog, and that nothing else opens its port",
                )
            self.tally.retries += 1
            self._settle()
        raise ToolError(
            f"the line to {self.line.port} is too bad: {what} was damaged {self.patience.tries} times in a row",
            "a shorter or better cable, a lower --baud (set the board's too), or a common ground",
        )

    def _post(self, kind: str, payload: bytes) -> None:
        self._tag = self._tag % 255 + 1
        self.line.send(encode(Frame(kind, payload, self._tag)))

    def _ask(self, kind: str, payload: bytes) -> Frame:
        """One request, and its answer."""
        self._post(kind, payload)
        last = time.monotonic()
        while True:
            piece = self.line.receive()
            now = time.monotonic()
            if piece:
                last = now
            stuck = now - last > self.patience.quiet_s
            for frame in self._decoder.give_up() if stuck else self._decoder.feed(piece):
                if self._is_answer(frame, kind):
                    return frame
            self._count_skipped()
            if now - last > self.patience.answer_s:
                raise _Silent

    def _is_answer(self, frame: Frame, kind: str) -> bool:
        self.text += self._printed(frame)
        if frame.kind == "B" and frame.tag == 0:
            if read_identity(frame) != self._identity:
                raise ToolError(f"the board at {self.line.port} now runs another firmware, or found its own damaged", "flash it again")
            raise _Restarted
        if frame.kind == "E":
            complaint = (frame.words() or (0,))[0]
            if complaint in DAMAGE:
                raise _Damaged
            if frame.tag == self._tag:
                why = COMPLAINTS.get(complaint, f"complaint {complaint}")
                raise ToolError(f"the firmware refused a frame '{kind}': {why}", "export, build and flash again with this version")
        return frame.kind == kind and frame.tag == self._tag

    def _printed(self, frame: Frame) -> str:
        """The text of a frame for people. Raises if it says that the firmware faulted."""
        if frame.kind == "X" and frame.words()[:1] == (FAULT,):
            fault = " ".join(self.text[max(0, self.text.rfind("FAULT")) :].split())
            raise ToolError(f"the firmware on the board faulted: {fault[-500:]}", "a kernel or the port is wrong: report it with the model")
        return frame.payload.decode("utf-8", "replace") if frame.kind == "M" else ""

    def _settle(self) -> None:
        """Wait until the line is quiet, and forget what was on it: then both sides wait for a start byte."""
        quiet_since = time.monotonic()
        end = quiet_since + 10 * self.patience.quiet_s
        while quiet_since + self.patience.quiet_s > (now := time.monotonic()) and now < end:
            piece = self.line.receive()
            quiet_since = now if piece else quiet_since
            for frame in self._decoder.feed(piece):
                self.text += self._printed(frame)
        for frame in self._decoder.give_up():
            self.text += self._printed(frame)
        self._count_skipped()

    def _count_skipped(self) -> None:
        self.tally.skipped, self._decoder.skipped = self.tally.skipped + self._decoder.skipped, 0


def _inference(frame: Frame) -> Inference:
    words = frame.words()
    if len(words) < 2:
        raise ToolError("the firmware's 'R' frame is not one of tinykd's", "export, build and flash again with this version")
    return Inference(frame.payload[2 * _WORD :], None, ticks=words[0] | words[1] << 32)
