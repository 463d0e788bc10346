"""Checkpoints come back as they were, or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinykd.distill.checkpoint import Checkpoint, EpochRecord, load_checkpoint, save_checkpoint

RECORD = EpochRecord("student", 1, 0.5, 0.4, 0.9, 1e-3, 2.0, 100.0)
CHECKPOINT = Checkpoint(
    "key", [np.arange(3, dtype=np.float32), np.float32(2)], [np.int64(7)], [np.ones((2, 2), np.float32), np.float32(1)], (RECORD,)
)


def test_round_trip(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "a.npz", CHECKPOINT)
    loaded = load_checkpoint(tmp_path / "a.npz", "key")
    assert loaded is not None
    assert loaded.history == (RECORD,)
    for group in ("model", "optimizer", "best"):
        for old, new in zip(getattr(CHECKPOINT, group), getattr(loaded, group), strict=True):
            np.testing.assert_array_equal(old, new)
            assert np.asarray(old).dtype == new.dtype


def test_other_inputs_are_not_resumed(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "a.npz", CHECKPOINT)
    assert load_checkpoint(tmp_path / "a.npz", "other key") is None


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 torn", b"not a checkpoint"])
def test_damage_means_starting_over(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(damage)
    assert load_checkpoint(tmp_path / "a.npz", "key") is None


def test_every_torn_length_is_noticed(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "a.npz", CHECKPOINT)
    whole = (tmp_path / "a.npz").read_bytes()
    for length in range(0, len(whole), 97):
        (tmp_path / "a.npz").write_bytes(whole[:length])
        assert load_checkpoint(tmp_path / "a.npz", "key") is None
