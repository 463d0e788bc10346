"""Tests that run nothing prove nothing: each kind of tool must be here at least once."""

from __future__ import annotations

from tinykd.target.inventory import take_inventory


def test_some_toolchain_and_emulator_are_installed() -> None:
    assert take_inventory().lacking == ()
