"""Stored outputs are the teacher's, or they are made again."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.distill.small import small_data, small_recipe
from tinykd.distill.teacher_outputs import Computation, open_store, read_stored_outputs
from tinykd.errors import DataError, UnsupportedModel

VIEWS = np.arange(2 * 5 * 3, dtype=np.float32).reshape(2, 5, 3)
KEY = "ab" * 32


class Counted:
    """A computation that counts how often it is asked for."""

    def __init__(self, offset: float = 0.0) -> None:
        self.times = 0
        self.offset = offset

    def __call__(self) -> Computation:
        self.times += 1

        def of_view(number: int) -> Callable[[], np.ndarray]:
            return lambda: VIEWS[number] + self.offset

        return Computation([of_view(0), of_view(1)], lambda: VIEWS[0, :2], lambda: VIEWS[1, :4])


def test_computed_once_and_mapped(tmp_path: Path) -> None:
    compute = Counted()
    for _ in range(2):
        outputs = open_store(tmp_path, KEY, compute)
        np.testing.assert_array_equal(outputs.train, VIEWS)
        np.testing.assert_array_equal(outputs.validation, VIEWS[0, :2])
        np.testing.assert_array_equal(outputs.test, VIEWS[1, :4])
        assert isinstance(outputs.train, np.memmap)
    assert compute.times == 1
    assert [path.name for path in tmp_path.iterdir()] == [KEY[:24]]


def test_another_key_is_another_store(tmp_path: Path) -> None:
    open_store(tmp_path, KEY, Counted())
    other = open_store(tmp_path, "cd" * 32, Counted(offset=9.0))
    np.testing.assert_array_equal(other.train, VIEWS + 9)


def test_keys_with_the_same_beginning_do_not_mix(tmp_path: Path) -> None:
    open_store(tmp_path, KEY, Counted())
    other = open_store(tmp_path, KEY[:40] + "c" * 24, Counted(offset=9.0))
    np.testing.assert_array_equal(other.train, VIEWS + 9)


@pytest.mark.parametrize("name", ["train.npy", "validation.npy", "test.npy", "index.json"])
def test_a_damaged_store_is_filled_again(tmp_path: Path, name: str) -> None:
    open_store(tmp_path, KEY, Counted())
    path = tmp_path / KEY[:24] / name
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    compute = Counted()
    np.testing.assert_array_equal(open_store(tmp_path, KEY, compute).train, VIEWS)
    assert compute.times == 1


def test_a_failed_fill_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> np.ndarray:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_store(tmp_path, KEY, lambda: Computation([lambda: VIEWS[0], fail], lambda: VIEWS[0], lambda: VIEWS[0]))
    assert list(tmp_path.iterdir()) == []


def test_two_fill_the_same_store(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: np.array(open_store(tmp_path, KEY, Counted()).train), range(16)))
    for store in stores:
        np.testing.assert_array_equal(store, VIEWS)
    assert [path.name for path in tmp_path.iterdir()] == [KEY[:24]]


def test_somebody_elses_outputs(tmp_path: Path) -> None:
    data = small_data(small_recipe(tmp_path))
    rows = {
        f"logits_{name}": np.random.default_rng(0).normal(size=(len(split), 3))
        for name, split in (("train", data.train), ("validation", data.validation), ("test", data.test))
    }
    np.savez(tmp_path / "outputs.npz", **rows)
    outputs = read_stored_outputs(tmp_path / "outputs.npz", data)
    assert outputs.train.shape == (1, len(data.train), 3)
    np.testing.assert_array_equal(outputs.test, rows["logits_test"].astype(np.float32))
    np.savez(tmp_path / "short.npz", **{**rows, "logits_test": rows["logits_test"][:-1]})
    with pytest.raises(UnsupportedModel, match="logits_test"):
        read_stored_outputs(tmp_path / "short.npz", data)
    np.savez(tmp_path / "nan.npz", **{**rows, "logits_train": rows["logits_train"] * np.nan})
    with pytest.raises(UnsupportedModel, match="NaN"):
        read_stored_outputs(tmp_path / "nan.npz", data)
    np.savez(tmp_path / "missing.npz", logits_train=rows["logits_train"])
    with pytest.raises(DataError, match="logits_validation"):
        read_stored_outputs(tmp_path / "missing.npz", data)
