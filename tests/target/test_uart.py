"""The port over a UART on a machine of QEMU: faults, restarts, silence, pauses, a flipped weight."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.target.fake_model import BANNER, BYTES, CONSTANTS_CRC, MODEL, SHA256, expected, write_fake_model
from tests.target.machines import STRICT, TOOLCHAINS, needs_qemu
from tests.target.wire import plugged_in
from tinykd.errors import ToolError
from tinykd.target.board_session import BoardSession, Patience
from tinykd.target.build import Image, build
from tinykd.target.fault_injection import flip_bit, weight_tables
from tinykd.target.frames import Decoder, Frame, encode
from tinykd.target.identity import GoldenCheck, Identity
from tinykd.target.serial_line import SerialLine
from tinykd.target.targets import find_target, on_device
from tinykd.target.toolchain import find_toolchain

pytest.importorskip("serial", reason="pyserial is not installed")
pytestmark = needs_qemu

BOARD = "mps2-an386"
INPUTS = [bytes((7 * k + i) & 0xFF for i in range(BYTES)) for k in range(3)]
WHO = Identity(BYTES, BYTES, GoldenCheck(2, 32, 0), CONSTANTS_CRC, CONSTANTS_CRC, 25_000_000, SHA256, "fake", "0.0.1")
FAULTY, ENDLESS = 99, 98
"""First inputs, which no golden vector has, at which the fake model faults or never ends."""

BROKEN = MODEL.replace(
    "    for (int i = 0;",
    f"""    if (input[0] == {FAULTY}) {{
        *(volatile uint32_t *)(uintptr_t)0x90000000u = 1u;
    }}
    for (volatile int forever = input[0] == {ENDLESS}; forever;) {{
    }}
    for (int i = 0;""",
    1,
)


def built(tree: Path, toolchain: str = "auto") -> Image:
    device = on_device(find_target(BOARD))
    write_fake_model(tree, device, BROKEN)
    return build(tree, device, find_toolchain(device, toolchain), flags=STRICT)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return built(tmp_path_factory.mktemp("uart"))


@contextmanager
def session(image: Image, **patience: float) -> Iterator[BoardSession]:
    with plugged_in(image.elf, BOARD) as (wire, _):
        line = SerialLine(wire.url, 115_200)
        try:
            yield BoardSession(line, replace(Patience(answer_s=20, hello_s=30), **patience))  # type: ignore[arg-type]
        finally:
            line.close()


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_every_integer_over_a_uart(toolchain: str, tmp_path: Path) -> None:
    with session(built(tmp_path, toolchain)) as board:
        assert board.connect() == WHO
        served = board.run_inputs(INPUTS)
    assert [i.outputs for i in served.inferences] == [expected(fed) for fed in INPUTS]
    assert served.arena_bytes == 64
    assert 0 < (served.stack_high_water or 0) <= (served.stack_reserved or 0)


def test_what_it_prints_comes_in_frames(image: Image) -> None:
    """A board whose reset button is pressed while a host listens."""
    with plugged_in(image.elf, BOARD) as (wire, machine):
        line, decoder = SerialLine(wire.url, 115_200), Decoder()
        line.send(encode(Frame("B", tag=5)))
        heard = list[Frame]()
        end = time.monotonic() + 30
        while time.monotonic() < end and not any(frame.kind == "B" and frame.tag == 0 for frame in heard):
            if any(frame.tag == 5 for frame in heard):
                machine.reset()
                heard.clear()
            heard += decoder.feed(line.receive())
        line.close()
    text = b"".join(frame.payload for frame in heard if frame.kind == "M").decode()
    assert text == BANNER + "golden vectors agree\n"
    assert [frame.kind for frame in heard][-1] == "B"


def test_a_fault_is_told_and_the_board_starts_again(image: Image) -> None:
    with session(image) as board:
        board.connect()
        with pytest.raises(ToolError, match=r"faulted: FAULT pc 0x[0-9a-f]{8} lr 0x[0-9a-f]{8} .*cfsr 0x"):
            board.run_inputs([INPUTS[0], bytes([FAULTY]) + bytes(BYTES - 1)])
        again = BoardSession(board.line, board.patience)
        assert again.connect() == WHO
        assert again.run_inputs(INPUTS[:1]).inferences[0].outputs == expected(INPUTS[0])


def test_an_endless_loop_is_an_error_not_a_hang(image: Image) -> None:
    with session(image, answer_s=2.0) as board:
        board.connect()
        with pytest.raises(ToolError, match="stopped answering"):
            board.run_inputs([bytes([ENDLESS]) + bytes(BYTES - 1)])


def test_a_frame_that_pauses_is_given_up_and_the_next_one_answered(image: Image) -> None:
    with plugged_in(image.elf, BOARD) as (wire, _):
        line, decoder = SerialLine(wire.url, 115_200), Decoder()
        line.send(encode(Frame("R", INPUTS[0], 7))[:-3])
        heard, end = list[Frame](), time.monotonic() + 30
        while time.monotonic() < end and not any(frame.kind == "E" for frame in heard):
            heard += decoder.feed(line.receive())
        line.send(encode(Frame("R", INPUTS[1], 8)))
        while time.monotonic() < end and not any(frame.kind == "R" for frame in heard):
            heard += decoder.feed(line.receive())
        line.close()
    answers = [frame for frame in heard if frame.kind in "ER"]
    assert (answers[0].kind, answers[0].payload) == ("E", struct.pack("<I", 5))
    assert (answers[1].tag, answers[1].payload[8:]) == (8, expected(INPUTS[1]))


def test_a_flipped_weight_is_told_at_once(image: Image, tmp_path: Path) -> None:
    (table,) = weight_tables(image)
    with session(flip_bit(image, table.address + 15, 1, tmp_path / "wrong.elf")) as board:
        who = board.connect()
    assert not who.intact
    assert who.constants_crc == CONSTANTS_CRC
