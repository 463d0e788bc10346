from __future__ import annotations

import pytest

from tinykd.errors import ToolError
from tinykd.target import toolchain
from tinykd.target.emulator import qemu, unicorn
from tinykd.target.emulator.find import find_emulator
from tinykd.target.targets import find_target


def _none(_: str = "") -> None:
    return None


@pytest.mark.parametrize(("preference", "install"), [("auto", "ziglang"), ("zig", "ziglang"), ("gcc", "gcc-arm-none-eabi")])
def test_a_missing_toolchain_says_how_to_install_one(preference: str, install: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "find_gcc", _none)
    monkeypatch.setattr(toolchain, "find_zig", _none)
    with pytest.raises(ToolError, match="no toolchain") as caught:
        toolchain.find_toolchain(find_target("m4"), preference)
    assert install in caught.value.hint


def test_auto_falls_back_to_zig(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = toolchain.ZigClang("zig", "0")
    monkeypatch.setattr(toolchain, "find_gcc", _none)
    monkeypatch.setattr(toolchain, "find_zig", lambda: fake)
    assert toolchain.find_toolchain(find_target("m4")) is fake


def test_a_missing_host_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "find_host_cc", _none)
    with pytest.raises(ToolError, match="no C compiler"):
        toolchain.find_toolchain(find_target("host"))


@pytest.mark.parametrize(("preference", "install"), [("auto", "unicorn"), ("unicorn", "unicorn"), ("qemu", "qemu-system-arm")])
def test_a_missing_emulator_says_how_to_install_one(preference: str, install: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qemu, "find_qemu", _none)
    monkeypatch.setattr(unicorn, "find_unicorn", _none)
    with pytest.raises(ToolError, match="no emulator") as caught:
        find_emulator(find_target("m4"), preference)
    assert install in caught.value.hint


def test_a_qemu_without_the_machine_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    light = unicorn.Unicorn("1")
    monkeypatch.setattr(qemu, "find_qemu", lambda _: qemu.Qemu("qemu-system-arm", "1", frozenset({"virt"})))
    monkeypatch.setattr(unicorn, "find_unicorn", lambda: light)
    assert find_emulator(find_target("m4")) is light
