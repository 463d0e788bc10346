"""`tinykd verify --port`: a board, played by QEMU behind a serial line, on lines good and bad."""

from __future__ import annotations

import json
import random
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import jsonschema
import pytest

from tests.compile.models import conv_then_dense_bytes
from tests.deploy.commands import tinykd
from tests.target.machines import needs_qemu
from tests.target.wire import Machine, Wire, plugged_in, running
from tinykd.deploy.board import connect
from tinykd.deploy.export import export
from tinykd.deploy.firmware import build_device
from tinykd.deploy.source import open_source
from tinykd.deploy.verify import check, choose_vectors, verify_board
from tinykd.recipe.model import Export
from tinykd.target.board_files import board_names, load_board
from tinykd.target.build import Image
from tinykd.target.fault_injection import flip_bit, weight_tables

pytest.importorskip("serial", reason="pyserial is not installed")

BOARD = "mps2-an386"
MACHINES = [name for name in board_names() if (board := load_board(name)).qemu is not None and board.ports]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("board")
    (folder / "small.tflite").write_bytes(conv_then_dense_bytes())
    return folder


@pytest.fixture(scope="module")
def image(home: Path) -> Image:
    return build_device(export(open_source(home / "small.tflite"), Export(target=BOARD), home / "tree"))


@pytest.fixture
def board(image: Image) -> Iterator[tuple[Wire, Machine]]:
    with plugged_in(image.elf, BOARD) as plugged:
        yield plugged


def verify(home: Path, port: str, *more: object, samples: int = 6) -> CompletedProcess[str]:
    tree = ("--board", BOARD, "--out", home / "tree")
    return tinykd("verify", home / "small.tflite", *tree, "--samples", samples, "--port", port, "--timeout", 5, *more)


@needs_qemu
def test_every_integer_of_a_board(home: Path, board: tuple[Wire, Machine], image: Image) -> None:
    outcome = verify(home, board[0].url, "--json")
    assert outcome.returncode == 0, outcome.stderr
    proof = json.loads(outcome.stdout)
    assert (proof["samples"], proof["compared"], proof["differences"], proof["golden_differences"]) == (6, 30, 0, 0)
    answer = proof["board"]
    assert (answer["port"], answer["baud"], answer["clock_hz"]) == (board[0].url, 115_200, 25_000_000)
    assert answer["model_sha256"] == proof["model_sha256"]
    assert 0 < answer["ticks"]["least"] <= answer["ticks"]["mean"] <= answer["ticks"]["most"]
    assert image.stack.bytes is not None
    assert 0 < answer["stack_high_water_bytes"] <= image.stack.bytes
    assert proof["instructions"] == 0
    recorded = home / "tree" / "report"
    assert json.loads((recorded / "verification.json").read_text()) == proof
    jsonschema.validate(proof, json.loads((recorded / "verification.schema.json").read_text()))


@needs_qemu
@pytest.mark.parametrize("name", MACHINES)
def test_every_machine_with_a_port(home: Path, name: str) -> None:
    exported = export(open_source(home / "small.tflite"), Export(target=name), home / name)
    with plugged_in(build_device(exported).elf, name) as (wire, _), connect(exported, wire.url, None, 20) as board:
        proof, _ = verify_board(exported, choose_vectors(exported, 2, 3), board)
    check(proof)
    assert (proof.compared, proof.constants_intact) == (10, True)
    assert proof.board is not None
    assert proof.board.ticks is not None
    assert proof.board.ticks.least > 0
    assert 0 < (proof.board.stack_high_water_bytes or 0) <= proof.stack_bytes


@needs_qemu
def test_a_device_of_the_system(home: Path, image: Image) -> None:
    with running(image.elf, BOARD, "pty") as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        device = next(found[1] for line in lines if (found := re.search(r"redirected to (\S+)", line)))
        outcome = verify(home, device)
    assert outcome.returncode == 0, outcome.stderr
    assert f"the board at {device}" in outcome.stdout
    assert outcome.stdout.endswith("exact\n")


class Noise:
    """Flips a bit of every `period` bytes or so, or drops the byte."""

    def __init__(self, seed: int, period: int) -> None:
        self._random, self._period, self.times = random.Random(seed), period, 0

    def __call__(self, piece: bytes) -> bytes:
        noisy = bytearray()
        for byte in piece:
            if self._random.randrange(self._period):
                noisy.append(byte)
            else:
                self.times += 1
                if self._random.randrange(2):
                    noisy.append(byte ^ 1 << self._random.randrange(8))
        return bytes(noisy)


@needs_qemu
@pytest.mark.parametrize("direction", ["to_board", "to_host"])
def test_a_noisy_line_is_survived(home: Path, board: tuple[Wire, Machine], direction: str) -> None:
    noise = Noise(3, 300)
    setattr(board[0], direction, noise)
    outcome = verify(home, board[0].url, "--json", samples=8)
    assert outcome.returncode == 0, outcome.stderr
    proof = json.loads(outcome.stdout)
    assert noise.times > 0
    assert (proof["compared"], proof["differences"]) == (40, 0)
    assert proof["board"]["retries"] > 0


@needs_qemu
def test_a_reset_in_the_middle_is_survived(home: Path, board: tuple[Wire, Machine]) -> None:
    wire, machine = board
    seen = bytearray()

    def press(piece: bytes) -> bytes:
        before = seen.count(b"\xa5R")
        seen.extend(piece)
        if before < 3 <= seen.count(b"\xa5R"):
            machine.reset()
        return piece

    wire.to_host = press
    outcome = verify(home, wire.url, "--json")
    assert outcome.returncode == 0, outcome.stderr
    proof = json.loads(outcome.stdout)
    assert (proof["compared"], proof["differences"]) == (30, 0)
    assert proof["board"]["retries"] >= 1


@needs_qemu
def test_damaged_weights_are_found_before_any_inference(home: Path, image: Image, tmp_path: Path) -> None:
    table = weight_tables(image)[-1]
    broken = flip_bit(image, table.address + 1, 4, tmp_path / "broken.elf")
    with plugged_in(broken.elf, BOARD) as (wire, _):
        outcome = verify(home, wire.url)
    assert outcome.returncode == 4
    assert "the weights in the board's flash are damaged: CRC-32" in outcome.stderr
    assert b"\xa5B" in wire.carried
    assert b"\xa5R" not in wire.carried


@needs_qemu
def test_another_model_and_another_export_are_refused(home: Path, board: tuple[Wire, Machine], tmp_path: Path) -> None:
    other = tmp_path / "other.tflite"
    other.write_bytes(conv_then_dense_bytes(seed=1))
    outcome = tinykd("verify", other, "--board", BOARD, "--port", board[0].url, "--out", tmp_path / "tree")
    assert outcome.returncode == 2
    assert "the board runs model 'small' (" in outcome.stderr
    assert "not 'other'" in outcome.stderr
    outcome = tinykd(
        "verify", home / "small.tflite", "--board", BOARD, "--rounding", "double", "--port", board[0].url, "--out", tmp_path / "tree"
    )
    assert outcome.returncode == 2
    assert "the board runs another export of 'small'" in outcome.stderr
    assert b"\xa5R" not in board[0].carried


@needs_qemu
def test_a_board_that_is_unplugged(home: Path, board: tuple[Wire, Machine]) -> None:
    wire, _ = board
    seen = bytearray()

    def pull(piece: bytes) -> bytes:
        seen.extend(piece)
        if seen.count(b"\xa5R") >= 3:
            wire.unplug()
        return piece

    wire.to_host = pull
    before = (
        (home / "tree" / "report" / "verification.json").read_text() if (home / "tree" / "report" / "verification.json").exists() else ""
    )
    outcome = verify(home, wire.url)
    assert outcome.returncode == 7
    assert "is gone" in outcome.stderr
    after = (
        (home / "tree" / "report" / "verification.json").read_text() if (home / "tree" / "report" / "verification.json").exists() else ""
    )
    assert after == before


@pytest.mark.parametrize(
    ("says", "words"),
    [(b"", "nothing answers"), (b"Hello from another program\r\n", "28 bytes came from"), (b"\xa5R\x01\xff\xff\xff\xff", "7 bytes")],
)
def test_a_port_behind_which_no_firmware_of_ours_answers(home: Path, says: bytes, words: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)

        def answer() -> None:
            taken, _ = listener.accept()
            taken.recv(100)
            taken.sendall(says)
            while taken.recv(100):
                pass

        threading.Thread(target=answer, daemon=True).start()
        outcome = verify(home, f"socket://127.0.0.1:{listener.getsockname()[1]}", "--timeout", 2)
    assert outcome.returncode == 7
    assert words in outcome.stderr


def test_ports_that_are_none(home: Path) -> None:
    outcome = verify(home, "/dev/tty-of-no-board")
    assert outcome.returncode == 7
    assert "cannot open /dev/tty-of-no-board: No such file or directory" in outcome.stderr
    outcome = verify(home, "teleport://board")
    assert outcome.returncode == 2
    assert "/dev/ttyACM0" in outcome.stderr
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = listener.getsockname()[1]
    outcome = verify(home, f"socket://127.0.0.1:{closed}")
    assert outcome.returncode == 7
    assert "Connection refused" in outcome.stderr


@pytest.mark.parametrize("option", [["--layers"], ["--price"], ["--emulator", "qemu"]])
def test_what_only_an_emulator_can_do_is_refused_at_once(home: Path, option: list[str]) -> None:
    outcome = verify(home, "/dev/tty-of-no-board", *option)
    assert outcome.returncode == 2
    assert option[0] in outcome.stderr
