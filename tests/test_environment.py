"""environment.json: an entry a process that differs from the last one."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

import pytest

from tinykd.environment import FILE, environment, record_environment
from tinykd.run import RunDirectory


def test_what_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "1")
    monkeypatch.setenv("TF_TOKEN_SECRET", "never")
    found = environment("tinykd distill digits")
    assert found.command == "tinykd distill digits"
    assert found.packages["numpy"] == metadata.version("numpy")
    assert found.packages["ai-edge-litert"] == metadata.version("ai-edge-litert")
    assert found.variables["TF_NUM_INTRAOP_THREADS"] == "1"
    assert "never" not in found.variables.values()
    assert found.cores >= 1
    if Path("/proc/meminfo").exists():
        total = int(Path("/proc/meminfo").read_text().split()[1]) * 1024
        assert found.memory_bytes == pytest.approx(total, rel=0.01)


def test_one_entry_for_equal_processes(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    record_environment(run, "a")
    before = (tmp_path / FILE).read_bytes()
    record_environment(run, "a")
    assert (tmp_path / FILE).read_bytes() == before
    record_environment(run, "b")
    record_environment(run, "a")
    processes = json.loads((tmp_path / FILE).read_text())["processes"]
    assert [one["command"] for one in processes] == ["a", "b", "a"]
    assert all(one["started"].endswith("Z") for one in processes)
    assert str(Path.cwd()) not in before.decode()


def test_a_damaged_file_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"processes": 3')
    record_environment(RunDirectory(tmp_path), "a")
    assert len(json.loads((tmp_path / FILE).read_text())["processes"]) == 1
