"""Stages of a run directory: done once, and taken over from siblings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tinykd.run import RunDirectory


def stage(run: RunDirectory, key: str, text: str) -> Mapping[str, object]:
    def compute() -> Mapping[str, object]:
        run.path("sub").mkdir(parents=True, exist_ok=True)
        run.path("sub/value").write_text(text)
        return {"text": text}

    return run.once("one", key, ("sub/value",), compute)


def test_a_stage_of_a_sibling_with_the_same_key_is_taken_over(tmp_path: Path) -> None:
    stage(RunDirectory(tmp_path / "a"), "key", "first")
    b = RunDirectory(tmp_path / "b", [tmp_path / "nobody", tmp_path / "a"])
    assert stage(b, "key", "second") == {"text": "first"}
    assert b.path("sub/value").read_text() == "first"
    # It is b's own now: what happens to a does not matter.
    (tmp_path / "a/sub/value").write_text("changed")
    assert b.is_done("one", "key")


@pytest.mark.parametrize("damage", ["other key", "other bytes", "no file", "no record"])
def test_what_a_sibling_does_not_have_is_computed(tmp_path: Path, damage: str) -> None:
    stage(RunDirectory(tmp_path / "a"), "key", "first")
    if damage == "other bytes":
        (tmp_path / "a/sub/value").write_text("rotten")
    elif damage == "no file":
        (tmp_path / "a/sub/value").unlink()
    elif damage == "no record":
        (tmp_path / "a/stages/one.json").write_text("{")
    key = "another" if damage == "other key" else "key"
    assert stage(RunDirectory(tmp_path / "b", [tmp_path / "a"]), key, "second") == {"text": "second"}


def test_a_run_without_siblings_computes(tmp_path: Path) -> None:
    stage(RunDirectory(tmp_path / "a"), "key", "first")
    assert stage(RunDirectory(tmp_path / "b"), "key", "second") == {"text": "second"}
