"""Stored outputs are the teacher's, or they are made again."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from tests.distill.small import small_data, small_recipe
from tinykd.distill.outside_outputs import read_stored_outputs
from tinykd.distill.stored_array import Form
from tinykd.distill.teacher import STORED, teacher_kind
from tinykd.distill.teacher_outputs import Source, TeacherOutputs, open_stores
from tinykd.errors import DataError, UnsupportedModel

X = np.arange(5, dtype=np.float32).reshape(5, 1)
MADE_OF = {"teacher": "ab" * 32, "views": 2}


def outputs_of(x: np.ndarray) -> dict[str, np.ndarray]:
    """Three logits and a 2x1x2 map of each sample."""
    logits = x * np.array([1.0, -2.0, 0.5], np.float32)
    return {"logits": logits, "map": np.concatenate([logits, x + 1], axis=1).reshape(-1, 2, 1, 2)}


class Counted:
    """A source that counts how often it is asked for, and for what."""

    def __init__(self, offset: float = 0.0) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.offset = offset

    def __call__(self) -> Source:
        return Source(self.reader, [lambda: X + self.offset, lambda: X + 10 + self.offset], X[:2], X[:4] + 20)

    def reader(self, layers: tuple[str, ...]) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
        self.asked.append(layers)
        return lambda x: {name: value for name, value in outputs_of(x).items() if name == "logits" or name in layers}


def train(outputs: TeacherOutputs, name: str = "logits") -> np.ndarray:
    """Every view of every sample."""
    views, samples = outputs.train[name].shape[:2]
    return np.stack([outputs.train[name].rows(view, np.arange(samples)) for view in range(views)])


def test_computed_once_and_mapped(tmp_path: Path) -> None:
    source = Counted()
    for _ in range(2):
        outputs = open_stores(tmp_path, MADE_OF, ("map",), Form(), source)
        for name in ("logits", "map"):
            np.testing.assert_array_equal(train(outputs, name), [outputs_of(X)[name], outputs_of(X + 10)[name]])
        np.testing.assert_array_equal(outputs.validation, outputs_of(X[:2])["logits"])
        np.testing.assert_array_equal(outputs.test, outputs_of(X[:4] + 20)["logits"])
        assert isinstance(outputs.train["map"].values, np.memmap)  # type: ignore[attr-defined]
    assert source.asked == [("map",)], "one pass of the teacher for both"


def test_only_what_is_missing_is_computed(tmp_path: Path) -> None:
    source = Counted()
    open_stores(tmp_path, MADE_OF, (), Form(), source)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npy")}
    open_stores(tmp_path, MADE_OF, ("map",), Form(), source)
    open_stores(tmp_path, MADE_OF, (), Form(), source)
    assert source.asked == [(), ("map",)]
    assert all(path.stat().st_mtime_ns == changed for path, changed in before.items())


@pytest.mark.parametrize("change", [{"teacher": "cd" * 32}, {"views": 3}, {"seed": 1}])
def test_another_teacher_or_view_is_another_store(tmp_path: Path, change: dict[str, object]) -> None:
    open_stores(tmp_path, MADE_OF, (), Form(), Counted())
    other = open_stores(tmp_path, {**MADE_OF, **change}, (), Form(), Counted(offset=9.0))
    np.testing.assert_array_equal(train(other)[0], outputs_of(X + 9)["logits"])


def test_another_form_is_another_store(tmp_path: Path) -> None:
    source = Counted(offset=0.1)
    whole = open_stores(tmp_path, MADE_OF, ("map",), Form(), source)
    half = open_stores(tmp_path, MADE_OF, ("map",), Form("float16"), source)
    assert len(source.asked) == 2
    assert train(half, "map").dtype == np.float16
    np.testing.assert_allclose(train(half, "map"), train(whole, "map"), rtol=1e-3)
    assert np.any(train(half, "map") != train(whole, "map"))


def test_the_largest_logits_keep_their_probabilities(tmp_path: Path) -> None:
    logits = np.random.default_rng(0).normal(0, 3, (40, 12)).astype(np.float32)
    source = Source(lambda _: lambda x: {"logits": logits[x[:, 0].astype(int)]}, [lambda: np.arange(40.0)[:, None]], X[:1], X[:1])
    outputs = open_stores(tmp_path, MADE_OF, (), Form("float32", top=3), lambda: source)
    assert outputs.train["logits"].shape == (1, 40, 12)
    read, exact = softmax(train(outputs)[0], axis=1), softmax(logits, axis=1)
    best = np.argsort(-logits, axis=1)
    np.testing.assert_allclose(np.take_along_axis(read, best[:, :3], 1), np.take_along_axis(exact, best[:, :3], 1), rtol=1e-5)
    # The others share what is left evenly, and keep together the probability that they had.
    others = np.take_along_axis(read, best[:, 3:], 1)
    np.testing.assert_allclose(others, np.take_along_axis(exact, best[:, 3:], 1).mean(1, keepdims=True).repeat(9, 1), rtol=1e-5)
    stored = sum(path.stat().st_size for path in tmp_path.rglob("train*.npy"))
    assert stored < 40 * 12 * 4 + 128, "less than every logit"


def test_half_precision_refuses_what_it_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModel, match="float16"):
        open_stores(tmp_path, MADE_OF, (), Form("float16"), Counted(offset=1e5))
    assert stores(tmp_path) == []


@pytest.mark.parametrize("name", ["train.npy", "validation.npy", "test.npy", "index.json"])
def test_a_damaged_store_is_filled_again(tmp_path: Path, name: str) -> None:
    open_stores(tmp_path, MADE_OF, (), Form(), Counted())
    (folder,) = stores(tmp_path)
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2 if name == "index.json" else -3] ^= 1
    (folder / name).write_bytes(data)
    source = Counted()
    np.testing.assert_array_equal(train(open_stores(tmp_path, MADE_OF, (), Form(), source))[0], outputs_of(X)["logits"])
    assert len(source.asked) == 1


def test_a_failed_fill_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> np.ndarray:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_stores(tmp_path, MADE_OF, (), Form(), lambda: Source(Counted().reader, [lambda: X, fail], X[:1], X[:1]))
    assert stores(tmp_path) == []


def test_a_live_teacher_stores_no_training_outputs(tmp_path: Path) -> None:
    outputs = open_stores(tmp_path, MADE_OF, (), Form(), lambda: Source(Counted().reader, [], X[:2], X[:3]))
    assert outputs.train["logits"].shape == (0, 0, 3)
    assert outputs.validation.shape == (2, 3)


def test_of_two_at_the_same_time_one_fills(tmp_path: Path) -> None:
    source = Counted()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: train(open_stores(tmp_path, MADE_OF, ("map",), Form(), source), "map"), range(16)))
    for one in found:
        np.testing.assert_array_equal(one, [outputs_of(X)["map"], outputs_of(X + 10)["map"]])
    assert len(source.asked) == 1
    assert len(stores(tmp_path)) == 2


def stores(root: Path) -> list[Path]:
    """Folders of stores, and of fills that were not finished."""
    return [path for path in root.iterdir() if path.is_dir()]


def test_somebody_elses_outputs(tmp_path: Path) -> None:
    data = small_data(small_recipe(tmp_path))
    rows = {
        f"logits_{name}": np.random.default_rng(0).normal(size=(len(split), 3))
        for name, split in (("train", data.train), ("validation", data.validation), ("test", data.test))
    }
    np.savez(tmp_path / "outputs.npz", **rows)
    outputs = read_stored_outputs(tmp_path / "outputs.npz", data)
    assert outputs.train["logits"].shape == (1, len(data.train), 3)
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


@pytest.mark.parametrize("folder", [False, True], ids=["npz", "folder"])
def test_somebody_elses_features(tmp_path: Path, folder: bool) -> None:
    data = small_data(small_recipe(tmp_path))
    rng = np.random.default_rng(0)
    arrays = {f"logits_{name}": rng.normal(size=(len(getattr(data, name)), 3)) for name in ("train", "validation", "test")}
    arrays["features_train_conv1_relu"] = rng.normal(size=(len(data.train), 2, 2, 5)).astype(np.float16)
    path = tmp_path / "outputs"
    if folder:
        path.mkdir()
        for name, array in arrays.items():
            np.save(path / f"{name}.npy", array)
    else:
        np.savez(path, **arrays)
        path = path.with_suffix(".npz")
    outputs = read_stored_outputs(path, data)
    chosen = np.array([3, 1])
    np.testing.assert_array_equal(outputs.train["conv1_relu"].rows(0, chosen), arrays["features_train_conv1_relu"][chosen])
    assert teacher_kind(path) == STORED
    first = read_stored_outputs(path, data, "channels_first").train["conv1_relu"]
    assert first.shape == (1, len(data.train), 2, 5, 2)
    np.testing.assert_array_equal(first.rows(0, chosen)[1, 0, 4, 1], arrays["features_train_conv1_relu"][1, 1, 0, 4])
    arrays["features_train_conv1_relu"] = arrays["features_train_conv1_relu"][:-1]
    np.savez(tmp_path / "short.npz", **arrays)
    with pytest.raises(UnsupportedModel, match="features_train_conv1_relu"):
        read_stored_outputs(tmp_path / "short.npz", data)
