"""Inferences on a target: what the firmware's frames mean."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from tinykd.errors import ToolError
from tinykd.target.build import Image
from tinykd.target.elf import read_elf
from tinykd.target.emulator.emulator import FAULT, STALL_SECONDS, Emulator, RunResult
from tinykd.target.frames import Frame, decode, encode
from tinykd.target.identity import GoldenCheck, Identity, read_identity

COMPLAINTS: dict[int, str] = {
    1: "it does not know the kind of frame",
    2: "the input has the wrong length",
    3: "the checksum of a frame is wrong",
    4: "the model refused the arena",
    5: "a frame was cut off",
}
"""What the word of an 'E' frame means; `firmware/app/main.c` has the same."""


@dataclass(frozen=True)
class Inference:
    """One inference.

    Attributes:
        outputs: all outputs end to end, as the target's memory holds them (little-endian).
        instructions: how many it took; None if they were not counted. With trace they include sending it.
        trace: (tensor, bytes) of each layer's outputs in order, if the image was built with trace. A tensor may come in
            pieces, row by row; here it is one, and shorter if nothing asked for its last rows.
        marks: (tensor, sum of clock readings since the mark before) in order, if the image was built with readings; tensor -1
            for marks between which no layer runs: two before the first and one after the last.
        ticks: of the port's clock, from its first layer to its last.
    """

    outputs: bytes
    instructions: int | None
    trace: tuple[tuple[int, bytes], ...] = ()
    marks: tuple[tuple[int, int], ...] = ()
    ticks: int = 0


@dataclass(frozen=True)
class Served:
    """What a session brought.

    Attributes:
        identity: what the firmware says of itself, and found when it started.
        inferences: one for each set of inputs, in order.
        stack_high_water: deepest use of the stack, in bytes, from paint; None where the port does not paint.
        stack_reserved: bytes of stack reserved; None likewise.
        arena_bytes: of the firmware's arena.
        text: what the firmware printed.
    """

    identity: Identity
    inferences: tuple[Inference, ...]
    stack_high_water: int | None
    stack_reserved: int | None
    arena_bytes: int
    text: str

    @property
    def golden(self) -> GoldenCheck:
        return self.identity.golden


@dataclass
class _Conversation:
    """What has been understood so far."""

    identity: Identity | None = None
    stack: tuple[int, ...] = ()
    trace: dict[int, bytes] = field(default_factory=dict)
    marks: list[tuple[int, int]] = field(default_factory=list)
    inferences: list[Inference] = field(default_factory=list)


@dataclass(frozen=True)
class Session:
    """An image on an emulator."""

    emulator: Emulator
    image: Image

    def run_inputs(self, inputs: Sequence[bytes], *, resets: Collection[int] = (), stall_s: float = STALL_SECONDS) -> Served:
        """Boot the image, run each set of inputs, ask for the stack.

        Args:
            inputs: for each inference, all inputs end to end, little-endian.
            resets: inferences before which the model's state is set to its start; at boot it is.

        Returns:
            What came back. Golden vectors that differ are no error here: see `Served.golden`.

        Raises:
            ToolError: the firmware faulted, stalled, ended early or refused an input.
        """
        asked = list[Frame]()
        for position, fed in enumerate(inputs):
            asked += [Frame("Z")] * (position in resets) + [Frame("R", fed)]
        asked += [Frame("S"), Frame("Q")]
        result = self.emulator.run(self.image, b"".join(map(encode, asked)), stall_s=stall_s)
        heard = _Conversation()
        for frame in decode(result.replies):
            self._hear(heard, frame)
        if result.exit_code == FAULT:
            raise ToolError(self._fault(result, len(heard.inferences)), "an error in a kernel or the port: report it with the model")
        identity = heard.identity
        complete = len(heard.stack) == 3 and len(heard.inferences) == len(inputs)
        if identity is None or not complete or result.exit_code not in (0, 1):
            got = f"{len(heard.inferences)} of {len(inputs)} inferences"
            raise ToolError(
                f"the firmware ended with code {result.exit_code} after {got}: {result.text.strip()[-1000:]}", "report it with the model"
            )
        high_water, reserved, arena = heard.stack
        return Served(identity, tuple(heard.inferences), high_water or None, reserved or None, arena, result.text)

    def _hear(self, heard: _Conversation, frame: Frame) -> None:
        words = frame.words()
        if frame.kind == "B":
            heard.identity = read_identity(frame)
        elif frame.kind == "T":
            heard.trace[words[0]] = heard.trace.get(words[0], b"") + frame.payload[4:]
        elif frame.kind == "R":
            ticks = words[0] | words[1] << 32
            instructions = self.emulator.instructions(self.image, ticks)
            heard.inferences.append(Inference(frame.payload[8:], instructions, tuple(heard.trace.items()), tuple(heard.marks), ticks))
            heard.trace.clear()
            heard.marks.clear()
        elif frame.kind == "P":
            heard.marks.append((words[0] - (words[0] >> 31 << 32), words[1] | words[2] << 32))
        elif frame.kind == "S":
            heard.stack = words
        elif frame.kind == "E":
            number = len(heard.inferences)
            raise ToolError(
                f"the firmware refused input {number}: {COMPLAINTS.get(words[0], f'complaint {words[0]}')}", "check the input's length"
            )

    def _fault(self, result: RunResult, done: int) -> str:
        found = re.search(r"pc 0x([0-9a-f]{8})", result.text)
        function = read_elf(self.image.elf).function_at(int(found[1], 16)) if found else None
        where = f" in {function.name}" if function else ""
        touched = re.search(r"address 0x([0-9a-f]{8})", result.text)
        why = self._outside(int(touched[1], 16)) if touched else ""
        return f"the firmware faulted{where} in inference {done}: {' '.join(result.text.split())[-500:]}{why}"

    def _outside(self, address: int) -> str:
        """Where an address that must not be touched lies, from the budget."""
        board, budget = self.image.target.board, self.image.budget
        if board is None or budget is None:
            return ""
        beyond = address - (board.ram.origin + budget.ram_bytes)
        if 0 <= beyond < board.ram.bytes:
            return f"; it touched byte {beyond} beyond its RAM budget of {budget.ram_bytes} bytes"
        return f"; it touched {address:#010x}, which it must not"
