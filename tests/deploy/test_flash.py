"""`tinykd flash`: the exact command lines, real pyOCD as far as it goes without a probe, and stub tools that record how they were run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.compile.models import conv_then_dense_bytes
from tests.deploy.commands import tinykd
from tests.interrupted import PATIENCE, started, wait_until
from tinykd.deploy.manifest import write_manifest
from tinykd.report.manifest import Proved, read_manifest
from tinykd.target.board_files import board_names, load_board
from tinykd.target.flash_commands import TOOLS, Place

STUB = f"""#!{sys.executable}
import json, os, re, shutil, sys
with open(os.environ["LOG"], "a") as log:
    log.write(json.dumps([os.path.basename(sys.argv[0]), *sys.argv[1:]]) + "\\n")
words = " ".join(sys.argv[1:])
print("said by the tool")
if os.environ.get("SLEEP") and "list" not in words:
    import time
    time.sleep(float(os.environ["SLEEP"]))
if os.environ.get("FAIL") and os.environ["FAIL"] in words:
    sys.exit(3)
read = re.search(r"(savemem|dump_image readback.bin) (0x[0-9a-f]+) (\\d+)", words)
if read:
    data = bytearray(open("firmware.bin", "rb").read())
    assert len(data) == int(read[3])
    if os.environ.get("WORN"):
        data[int(os.environ["WORN"])] ^= 4
    open("readback.bin", "wb").write(data)
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stubs of every tool first on the PATH; where they record their arguments."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS.values():
        stub = folder / tool.program
        stub.write_text(STUB)
        stub.chmod(stub.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    return tmp_path / "log"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export whose image is built, in a folder with a space in its name."""
    folder = tmp_path_factory.mktemp("a folder")
    (folder / "small.tflite").write_bytes(conv_then_dense_bytes())
    outcome = tinykd("flash", folder / "small.tflite", "--board", "nucleo-f446re", "--dry-run", "--out", folder / "tree")
    assert outcome.returncode == 0, outcome.stderr
    return folder / "tree"


def runs(log: Path) -> list[list[str]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


PLACE = Place(0x0800_0000, 1234, probe="066", port="/dev/ttyACM0", zephyr="/z")

COMMANDS: dict[tuple[str, str], list[str]] = {
    ("nucleo-f446re", "pyocd"): [
        "pyocd load --no-wait --target stm32f446retx --uid 066 --format elf firmware.elf",
        "pyocd commander --no-wait --target stm32f446retx --uid 066 --command|savemem 0x8000000 1234 readback.bin",
    ],
    ("nucleo-f446re", "openocd"): [
        "openocd --file interface/stlink.cfg --file target/stm32f4x.cfg --command|adapter serial 066|--command|"
        "program firmware.elf verify reset exit",
        "openocd --file interface/stlink.cfg --file target/stm32f4x.cfg --command|adapter serial 066|--command|"
        "init; reset halt; dump_image readback.bin 0x8000000 1234; reset run; shutdown",
    ],
    ("nucleo-f446re", "probe_rs"): [
        "probe-rs download --non-interactive --chip STM32F446RETx --probe 066 --verify --binary-format elf firmware.elf",
        "probe-rs reset --non-interactive --chip STM32F446RETx --probe 066",
    ],
    ("nucleo-f446re", "west"): [
        "west flash --build-dir /z --skip-rebuild --elf-file firmware.elf --hex-file firmware.hex",
    ],
    ("pico", "picotool"): ["picotool load --verify --execute firmware.elf -t elf --ser 066"],
}
"""By board and tool; words are apart by spaces, or by bars where they hold spaces."""


@pytest.mark.parametrize(("board", "tool"), COMMANDS)
def test_command_lines(board: str, tool: str) -> None:
    steps = TOOLS[tool].steps(load_board(board).flashing, PLACE)
    assert [list(step.command) for step in steps] == [words(line) for line in COMMANDS[board, tool]]


def words(line: str) -> list[str]:
    head, *rest = line.split("|")
    return [*head.split(), *rest]


def test_every_method_of_every_board_has_a_command() -> None:
    seen = set()
    for name in board_names():
        flashing = load_board(name).flashing
        for method in flashing.methods:
            if method != "drive":
                steps = TOOLS[method].steps(flashing, PLACE)
                assert steps[0].command[0] == TOOLS[method].program
                assert all(word and "\n" not in word for step in steps for word in step.command)
                seen.add(method)
    assert {"pyocd", "openocd", "probe_rs", "picotool"} <= seen


def test_pyocd_itself_takes_these_options() -> None:
    pytest.importorskip("pyocd", reason="no pyocd here; the command lines are held against its documented grammar above")
    steps = TOOLS["pyocd"].steps(load_board("nucleo-f446re").flashing, PLACE)
    for step in steps:
        shown = subprocess.run(
            [sys.executable, "-m", "pyocd", step.command[1], "--help"], capture_output=True, text=True, check=True
        ).stdout
        for word in step.command:
            assert not word.startswith("--") or word in shown, word


def test_pyocd_itself_gets_as_far_as_looking_for_a_probe(exported: Path) -> None:
    """Its own parser takes the command, and its ELF reader the image: all that is missing is a probe."""
    pytest.importorskip("pyocd", reason="no pyocd here; stubs stand for it below")
    folder = next((exported / "build").glob("*-board-*"))
    for step in TOOLS["pyocd"].steps(load_board("nucleo-f446re").flashing, Place(0x0800_0000, 4, "no-such-probe")):
        run = subprocess.run(
            [sys.executable, "-m", *step.command],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        said = run.stdout + run.stderr
        assert "usage:" not in said, said
        assert "robe" in said, said


def test_flashed_read_back_and_equal(exported: Path, log: Path) -> None:
    outcome = tinykd("flash", exported, "--board", "nucleo-f446re", "--method", "pyocd", "--probe", "066", "--json")
    assert outcome.returncode == 0, outcome.stderr
    flashed = json.loads(outcome.stdout)
    assert flashed["read_back_by"] == "tinykd"
    probes, load, read = runs(log)
    assert probes == ["pyocd", "list"]
    assert load == words("pyocd load --no-wait --target stm32f446retx --uid 066 --format elf firmware.elf")
    assert read[:-1] == words("pyocd commander --no-wait --target stm32f446retx --uid 066 --command")
    assert read[-1].startswith("savemem 0x8000000 ")
    assert "said by the tool" in outcome.stderr, "the tool's output is streamed, and not into the JSON"
    manifest = json.loads((exported / "manifest.json").read_text())
    assert flashed["image_sha256"] == manifest["links"][-1]["sha256"]


@pytest.mark.parametrize("method", ["pyocd", "openocd"])
def test_one_wrong_bit_in_flash_is_found(exported: Path, log: Path, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    monkeypatch.setenv("WORN", "4098")
    outcome = tinykd("flash", exported, "--board", "nucleo-f446re", "--method", method)
    assert outcome.returncode == 4
    assert "first at 0x08001002" in outcome.stderr


def test_a_tool_that_fails_is_exit_7(exported: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIL", "download")
    outcome = tinykd("flash", exported, "--board", "nucleo-f446re", "--method", "probe-rs")
    assert outcome.returncode == 7
    assert "probe-rs failed to flash nucleo-f446re (exit code 3)" in outcome.stderr
    assert len(runs(log)) == 1, "nothing runs after a failure"


def test_no_probe_is_exit_7_and_says_what_to_do(exported: Path) -> None:
    pytest.importorskip("pyocd", reason="no pyocd here; a missing tool is tested below")
    probes = subprocess.run([sys.executable, "-m", "pyocd", "list"], capture_output=True, text=True, check=False).stdout
    if "No available debug probes" not in probes:
        pytest.skip("a debug probe is connected here")
    outcome = tinykd("flash", exported, "--board", "nucleo-f446re", "--method", "pyocd")
    assert outcome.returncode == 7
    assert "no debug probe is connected" in outcome.stderr
    assert "udev" in outcome.stderr


def test_a_missing_tool_is_exit_7_and_says_how_to_install_it(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from tinykd.cli.flash import command
    from tinykd.errors import ToolError

    monkeypatch.setattr("tinykd.deploy.flash.find_program", lambda _: None)
    outcome = CliRunner().invoke(command, [str(exported), "--board", "nucleo-f446re", "--method", "openocd"])
    assert isinstance(outcome.exception, ToolError)
    assert "openocd is not installed" in str(outcome.exception)
    assert "apt-get install openocd" in str(outcome.exception)


def test_a_dry_run_touches_no_board_and_shows_the_commands(exported: Path, log: Path) -> None:
    outcome = tinykd("flash", exported, "--board", "nucleo-f446re", "--method", "openocd", "--dry-run")
    assert outcome.returncode == 0
    assert (
        "openocd --file interface/stlink.cfg --file target/stm32f4x.cfg --command 'program firmware.elf verify reset exit'"
        in outcome.stdout
    )
    assert not log.exists()


def test_only_what_is_signed_is_flashed(exported: Path, log: Path, tmp_path: Path) -> None:
    key, public = tmp_path / "k.pem", tmp_path / "k.pub.pem"
    assert tinykd("manifest", "keys", key).returncode == 0
    flash = ("flash", exported, "--board", "nucleo-f446re", "--method", "probe-rs", "--key", public)
    unsigned = tinykd(*flash)
    assert unsigned.returncode == 4
    assert not log.exists(), "no tool was run"
    assert tinykd("manifest", "sign", exported, "--key", key).returncode == 0
    assert tinykd(*flash).returncode == 0
    other = tinykd(*flash, "--optimize", "size")
    assert other.returncode == 4, "another image than the signed one"
    assert "is not the one in the manifest" in other.stderr
    assert tinykd("flash", exported, "--board", "nucleo-f446re", "--dry-run", "--optimize", "balanced").returncode == 0


def test_a_model_whose_proof_failed_is_not_flashed(exported: Path, log: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(exported, tree)
    manifest = read_manifest(tree / "manifest.json")
    failed = Proved(emulator="QEMU", reference="LiteRT", samples=2, compared=10, differences=3, layers_compared=0, accuracy=None)
    write_manifest(tree, manifest.model_copy(update={"proved": failed}))
    outcome = tinykd("flash", tree, "--board", "nucleo-f446re", "--method", "probe-rs")
    assert outcome.returncode == 4
    assert "3 of 10 integers differ" in outcome.stderr
    assert not log.exists(), "no tool was run"


def test_over_budget_is_exit_3_before_any_tool(exported: Path, log: Path, tmp_path: Path) -> None:
    model = exported.parent / "small.tflite"
    outcome = tinykd("flash", model, "--board", "nucleo-f446re", "--flash", "2KiB", "--out", tmp_path / "tree")
    assert outcome.returncode == 3
    assert not log.exists()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([], 2, "--board"),
        (["--board", "mps2-an386"], 2, ""),
        (["--board", "nucleo-f446re", "--method", "bossac"], 2, "methods: pyocd, openocd, probe-rs, west, drive"),
        (["--board", "nucleo-f446re", "--method", "west"], 2, "--zephyr-build"),
        (["--board", "nucleo-f446re", "--method", "drive"], 7, "NOD*_F446RE"),
    ],
)
def test_refusals(exported: Path, tmp_path: Path, arguments: list[str], code: int, says: str) -> None:
    outcome = tinykd("flash", exported.parent / "small.tflite", *arguments, "--out", tmp_path / "tree")
    assert outcome.returncode == code, outcome.stderr
    assert says in outcome.stderr


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's; Windows' Ctrl-C takes the same path")
def test_interrupted_while_the_tool_runs(exported: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The signal goes to tinykd and to the tool, as from a terminal; tinykd waits for the tool, then exits with 130."""
    monkeypatch.setenv("SLEEP", str(10 * PATIENCE))
    with started("flash", exported, "--board", "nucleo-f446re", "--method", "probe-rs", group=True) as process:
        wait_until(lambda: log.exists() and log.read_text().endswith("\n"), process)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, said
    assert "interrupted" in said
    assert len(runs(log)) == 1
