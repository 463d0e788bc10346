from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest
from click.testing import CliRunner

from tinykd.cli.doctor import command
from tinykd.target import inventory, toolchain
from tinykd.target.emulator import qemu, unicorn


def _none(_: str = "") -> None:
    return None


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes things look uninstalled."""
    versions = inventory._version

    def hide(names: str) -> None:
        for module, finder, name in (
            (toolchain, "find_gcc", "gcc"),
            (toolchain, "find_zig", "zig"),
            (toolchain, "find_host_cc", "cc"),
            (qemu, "find_qemu", "qemu"),
            (unicorn, "find_unicorn", "unicorn"),
        ):
            if name in names.split():
                monkeypatch.setattr(module, finder, _none)
        monkeypatch.setattr(inventory, "_version", lambda name: None if name in names.split() else versions(name))

    return hide


def _json() -> tuple[dict[str, object], int]:
    outcome = CliRunner().invoke(command, ["--json"])
    return json.loads(outcome.output), outcome.exit_code


def test_versions_are_those_the_programs_print() -> None:
    report, code = _json()
    assert (report["ready"], code) == (True, 0)
    findings = {f["name"]: f["version"] for f in report["findings"]}  # type: ignore[attr-defined]
    if findings["arm-none-eabi-gcc"]:
        printed = subprocess.run(["arm-none-eabi-gcc", "--version"], capture_output=True, text=True, check=True).stdout
        assert findings["arm-none-eabi-gcc"] in printed
    if findings["qemu-system-arm"]:
        printed = subprocess.run(["qemu-system-arm", "--version"], capture_output=True, text=True, check=True).stdout
        assert findings["qemu-system-arm"] in printed


@pytest.mark.parametrize("missing", ["gcc", "zig", "qemu", "unicorn", "tensorflow keras tf-keras tflite-micro", "gcc qemu", "zig unicorn"])
def test_one_way_is_enough(missing: str, without: Callable[[str], None]) -> None:
    without(missing)
    report, code = _json()
    assert (report["ready"], report["install"], code) == (True, [], 0)


@pytest.mark.parametrize(
    ("missing", "install"),
    [
        ("gcc zig", "pip install ziglang"),
        ("qemu unicorn", "pip install unicorn"),
        ("ai-edge-litert tflite-runtime", "pip install ai-edge-litert"),
        ("gcc zig qemu unicorn", "pip install ziglang unicorn"),
    ],
)
def test_what_is_lacking_gives_code_7_and_one_command(missing: str, install: str, without: Callable[[str], None]) -> None:
    without(missing)
    report, code = _json()
    assert (report["ready"], report["install"], code) == (False, [install], 7)
    shown = CliRunner().invoke(command, [])
    assert shown.exit_code == 7
    assert install in shown.output


def test_a_missing_thing_shows_its_command(without: Callable[[str], None]) -> None:
    without("qemu tflite-micro")
    shown = CliRunner().invoke(command, []).output
    assert "apt-get install qemu-system-arm" in shown
    assert "pip install tflite-micro" in shown


def test_target_and_doctor_import_no_tensorflow() -> None:
    script = (
        "import sys, tinykd.cli.doctor, tinykd.target.serve, tinykd.target.emulator.find, tinykd.target.fault_injection;"
        "bad = {'tensorflow', 'keras', 'unicorn', 'sklearn', 'ai_edge_litert'} & set(sys.modules); sys.exit(str(bad) if bad else 0)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
