"""`docs/boards/`: a page a board and the list of them, from the boards' own files."""

from __future__ import annotations

from docs.generate.markdown import code, note, table, text
from tinykd.report.boards import board_text
from tinykd.sizes import exact_size
from tinykd.target.board_files import board_names, load_board
from tinykd.target.boards import Board

FOLDER = "boards"
SOURCE = "the boards' files (`tinykd/target/boards/`)"
PORT = "/dev/ttyACM0"


def pages() -> dict[str, str]:
    """`README.md`, and one page a board, by path below `docs/`."""
    boards = [load_board(name) for name in board_names()]
    return {f"{FOLDER}/README.md": _index(boards), **{f"{FOLDER}/{board.name}.md": _page(board) for board in boards}}


def _index(boards: list[Board]) -> str:
    head = ("board", "chip", "core", "flash", "RAM", "firmware for its UART")
    lines = ["# Board list", "", note(SOURCE), "What `--board` brings, and how to add your own: [boards](../boards.md).", ""]
    lines += table(head, [_row(board) for board in boards if not board.is_machine])
    lines += ["", "## Machines of QEMU", "", "They stand in for boards, and `--board` takes them too.", ""]
    lines += table(("machine", "core", "flash", "RAM"), [_machine_row(board) for board in boards if board.is_machine])
    return text(lines)


def _row(board: Board) -> tuple[str, ...]:
    port = board.ports[-1] if board.ports else ""
    sizes = (exact_size(board.budget.flash_bytes), exact_size(board.budget.ram_bytes))
    return (f"[{board.name}]({board.name}.md)", board.chip, board.core, *sizes, port)


def _machine_row(board: Board) -> tuple[str, ...]:
    return (f"[{board.name}]({board.name}.md)", board.core, exact_size(board.budget.flash_bytes), exact_size(board.budget.ram_bytes))


def _page(board: Board) -> str:
    name = board.name
    lines = [f"# {board.title or name}", "", note(SOURCE), f"`tinykd boards {name}` says the same:", ""]
    lines += code(board_text(board).splitlines())
    lines += ["", "## Does my model fit?", "", *code([f"tinykd check model.tflite --board {name}"])]
    lines += ["", "Exit code 3 if not; the report names the layer to narrow. Then the proof, integer by integer, in an emulator:", ""]
    lines += code([f"tinykd verify model.tflite --board {name}"])
    if board.banks:
        lines += ["", f"More RAM: {_banks(board)}. See [several banks of RAM](../banks.md)."]
    if board.ports and not board.is_machine:
        lines += ["", "## Onto the board", "", "The export has the board's own program in `board/`:", ""]
        lines += code([f"tinykd export model.tflite --board {name}", f"tinykd flash model.tflite --board {name} --dry-run"])
        lines += code([f"tinykd flash model.tflite --board {name}", f"tinykd verify model.tflite --board {name} --port {PORT}"])
        lines += ["", "The last line is the same proof on the board itself: [proof over a serial port](../serial_proof.md)."]
    elif not board.is_machine:
        lines += ["", "## Onto the board", ""]
        lines += ["tinykd has no program of its own for this chip: your program takes the model as a library.", ""]
        lines += code([f"tinykd export model.tflite --board {name} --format {_format(board)} --out libraries/"])
        lines += ["", "Formats and how to add them to a project: [packages](../packages.md)."]
    return text(lines)


def _banks(board: Board) -> str:
    return ", ".join(f"`{bank.name}`, {exact_size(bank.bytes)}" for bank in board.banks)


def _format(board: Board) -> str:
    """The format of packages that the board's usual tools take."""
    methods = board.flashing.methods
    return "esp-idf" if "esptool" in methods else "arduino" if {"arduino_cli", "teensy_loader", "bossac"} & set(methods) else "cmake"
