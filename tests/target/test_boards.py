"""Boards: profiles that agree with other people's data, files of users' own, errors that name line and key."""

from __future__ import annotations

import importlib.util
import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from tinykd.cli.boards import command
from tinykd.errors import TinykdError
from tinykd.target.board_files import FOLDER, board_names, load_board, read_board
from tinykd.target.boards import Board
from tinykd.target.cores import CORES
from tinykd.target.targets import MACHINES, find_target, on_device

REAL = [name for name in board_names() if load_board(name).flashing.methods]
ISSUE = (
    *("nucleo-f401re", "nucleo-f411re", "nucleo-f446re", "nucleo-l432kc", "nucleo-l476rg", "nucleo-g431kb", "nucleo-g431rb"),
    *("nucleo-g474re", "nucleo-g0b1re", "nucleo-h743zi", "nrf52840dk", "nano-33-ble", "nrf5340dk", "microbit-v2", "pico", "pico-2"),
    *("teensy-40", "teensy-41", "frdm-k64f", "arduino-zero", "metro-m4", "uno-r4-minima", "mps3-an547", "esp32-c3-devkitm-1"),
    *MACHINES.values(),
)

PLAIN = """core = "cortex-m4"
flash = { origin = 0x0800_0000, bytes = 65536 }
ram = { origin = 0x2000_0000, bytes = 20480 }
stand_in = "mps2-an386"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text)
    return path


def test_every_board_of_the_issue_is_here() -> None:
    assert set(ISSUE) <= set(board_names())


@pytest.mark.parametrize("name", REAL)
def test_a_board_is_whole(name: str) -> None:
    board = load_board(name)
    assert board.title
    assert board.chip
    assert board.clock_hz >= 16_000_000
    assert board.console is not None
    assert all(len(source) > 20 for source in board.sources)
    assert len(board.sources) >= 2


@pytest.mark.parametrize("name", REAL)
def test_its_stand_in_has_its_core_and_its_memories(name: str) -> None:
    """The machine is as large as the board and no larger, except in flash, of which no machine has more than 4 MiB."""
    board, target = load_board(name), find_target(name)
    machine = target.board
    assert machine is not None
    assert machine.qemu is not None
    assert machine.ram.bytes == board.ram.bytes
    assert machine.flash.bytes == min(board.flash.bytes, 4 << 20)
    assert [(bank.name, bank.bytes) for bank in machine.banks] == [(bank.name, bank.bytes) for bank in board.banks]
    spans = sorted((one.origin, one.origin + one.bytes) for one in (machine.flash, machine.ram, *machine.banks))
    assert all(end < start for (_, end), (start, _) in pairwise(spans)), "no gap that would fault"
    assert target.core is CORES[board.core]


def test_a_core_has_no_device_and_a_library_no_port() -> None:
    with pytest.raises(TinykdError, match="cortex-m4 is a core"):
        on_device(find_target("m4"))
    with pytest.raises(TinykdError, match="no port for teensy-41"):
        on_device(find_target("teensy-41"))


PYOCD_LACKS = {
    ("nucleo-h743zi", "axi"): "its table ends before AXI SRAM",
    ("nucleo-l432kc", "ram"): "SRAM2 at its first address only, not behind SRAM1",
    ("pico-2", "ram"): "the RP2040's table",
}
"""What pyOCD's own tables do not have; each must stay so, or go from here."""


@pytest.mark.skipif(importlib.util.find_spec("pyocd") is None, reason="pyOCD is not installed")
@pytest.mark.parametrize("name", REAL)
def test_pyocd_has_the_same_memories(name: str) -> None:
    from pyocd.target.builtin import BUILTIN_TARGETS

    board = load_board(name)
    method = board.flashing.pyocd
    if method is None:
        return
    if method.target not in BUILTIN_TARGETS:
        assert method.pack, f"pyOCD knows no {method.target} by itself, so a pack must be named"
        return
    memories = list(BUILTIN_TARGETS[method.target].MEMORY_MAP)
    for what, kind, origin, count in (
        ("flash", "FLASH", board.flash.origin, board.flash.bytes),
        ("ram", "RAM", board.ram.origin, board.ram.bytes),
        *((bank.name, "RAM", bank.origin, bank.bytes) for bank in board.banks),
    ):
        same = sorted((one.start, one.end + 1) for one in memories if one.type.name == kind)
        reached = origin
        for start, end in same:
            reached = max(reached, end) if start <= reached else reached
        assert (reached >= origin + count) != ((name, what) in PYOCD_LACKS), (what, [(hex(a), hex(b)) for a, b in same])


def test_a_board_of_ones_own_needs_four_lines(tmp_path: Path) -> None:
    board = read_board(written(tmp_path, PLAIN))
    assert board.name == "mine"
    assert (board.budget.flash_bytes, board.budget.ram_bytes) == (65536, 20480)
    target = find_target(str(tmp_path / "mine.toml"))
    assert target.name == "mine"
    assert target.board is not None
    assert target.board.ram.bytes == 20480


@pytest.mark.parametrize(
    ("change", "line", "key", "says"),
    [
        (("cortex-m4", "cortex-m44"), 1, "core", "no core is called 'cortex-m44'"),
        (("bytes = 65536", 'bytes = "64K"'), 2, "flash.bytes", "integer"),
        (("bytes = 20480", "bytes = 0"), 3, "ram.bytes", "greater than 0"),
        (("0x2000_0000", "0x0800_8000"), 3, "ram", "overlaps flash"),
        (("0x2000_0000", "0xffff_f000"), 3, "ram", "beyond the address space"),
        (("ram =", "rem ="), 3, "rem", "unknown key"),
        (("mps2-an386", "mps2-an385"), 4, "stand_in", "no machine of QEMU with a cortex-m4"),
        (("mps2-an386", "nucleo-f446re"), 4, "stand_in", "no machine of QEMU"),
        (('stand_in = "mps2-an386"\n', 'ports = ["bare", "stm32f9"]\n'), 4, "ports.1", "no port is called 'stm32f9'"),
        (('stand_in = "mps2-an386"\n', ""), None, "stand_in", "missing"),
        (("20480 }\n", "20480 }\nbudget = { flash_bytes = 65537, ram_bytes = 1 }\n"), 4, "budget.flash_bytes", "more than the 65536"),
        (("20480 }\n", '20480 }\nbanks = [{ name = "ram", origin = 0, bytes = 16 }]\n'), 4, "banks.0.name", "'ram' is taken"),
        (("20480 }\n", '20480 }\nbanks = [{ name = "CCM", origin = 0, bytes = 16 }]\n'), 4, "banks.0.name", "match"),
        (('an386"\n', 'an386"\n[flashing]\npyocd = { targt = "x" }\n'), 6, "flashing.pyocd.targt", "unknown key"),
        (('an386"\n', 'an386"\n[flashing]\nopenocd = { configs = ["-c", "shutdown"] }\n'), 6, "flashing.openocd.configs.0", "match"),
        (('an386"\n', 'an386"\n[define]\nPIN = -1\n'), 6, "define.PIN", "greater than or equal to 0"),
        (("core =", "core"), 1, "", ""),
    ],
)
def test_errors_name_line_and_key(change: tuple[str, str], line: int | None, key: str, says: str, tmp_path: Path) -> None:
    path = written(tmp_path, PLAIN.replace(*change, 1))
    with pytest.raises(TinykdError) as caught:
        read_board(path)
    assert caught.value.exit_code == 2
    first = f"{path}:{line}: {key}" if line is not None else f"{path}: {key}"
    assert any(said.startswith(first) for said in caught.value.message.splitlines()), caught.value.message
    assert says in caught.value.message


def test_a_wrong_key_gets_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(TinykdError) as caught:
        read_board(written(tmp_path, PLAIN + '[console]\nuart = "U"\ntx = "1"\nrx = "2"\nboud = 9600\n'))
    assert "did you mean baud" in caught.value.hint


@pytest.mark.parametrize("name", ["nothing.toml", "../boards/mps2-an386", "nucleo-f447re", ""])
def test_what_is_no_board(name: str) -> None:
    with pytest.raises(TinykdError, match=r"no board|cannot read"):
        load_board(name)


def test_the_nearest_name_is_offered() -> None:
    with pytest.raises(TinykdError) as caught:
        load_board("nucleo-f447re")
    assert "nucleo-f446re" in caught.value.hint


def test_the_command_lists_shows_and_prints() -> None:
    listed = CliRunner().invoke(command, [])
    assert listed.exit_code == 0
    assert all(re.search(rf"^{re.escape(name)} ", listed.output, re.MULTILINE) for name in board_names())
    shown = CliRunner().invoke(command, ["nucleo-f446re"])
    assert "USART2, TX PA2, RX PA3, 115200 baud" in shown.output
    assert "RM0390" in shown.output
    assert CliRunner().invoke(command, ["pico", "--toml"]).output == (FOLDER / "pico.toml").read_text()


def test_json_holds_every_value() -> None:
    every = json.loads(CliRunner().invoke(command, ["--json"]).output)
    assert [one["name"] for one in every] == list(board_names())
    one = json.loads(CliRunner().invoke(command, ["pico", "--json"]).output)
    assert one["ram"] == {"origin": 0x20000000, "bytes": 264 * 1024}
    assert one["methods"][0] == "pyocd"
    assert set(Board.__dataclass_fields__) <= set(one)
