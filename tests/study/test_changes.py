"""Changes to a recipe as a study writes them."""

from __future__ import annotations

from tinykd.recipe.toml import load_recipe
from tinykd.study.changes import assignments, inline


def test_tables_and_dotted_keys_are_the_same() -> None:
    assert assignments({"student": {"net": "mlp", "knobs": {"hidden": [16]}}}) == ['student.net="mlp"', "student.knobs={hidden = [16]}"]
    assert assignments({"distill": {"train": {"epochs": 3}}}) == assignments({"distill.train.epochs": 3}) == ["distill.train.epochs=3"]


def test_a_table_leaves_its_neighbours_alone() -> None:
    changed = load_recipe("mnist", assignments({"distill": {"train": {"epochs": 3}}}))
    plain = load_recipe("mnist")
    assert changed.distill.train.epochs == 3
    assert changed.distill.train.learning_rate == plain.distill.train.learning_rate == 4e-3
    assert changed.distill.losses == plain.distill.losses


def test_knobs_of_another_network_take_the_place_of_the_old_ones() -> None:
    changed = load_recipe("mnist", assignments({"student": {"net": "mlp", "knobs": {"hidden": [16]}}}))
    assert changed.student.net == "mlp"
    assert changed.student.knobs == {"hidden": (16,)}


def test_losses_as_an_array_of_tables() -> None:
    changed = load_recipe("mnist", assignments({"distill.losses": [{"name": "kd", "temperature": 2.0}, {"name": "dkd"}]}))
    assert [loss.name for loss in changed.distill.losses] == ["kd", "dkd"]


def test_inline_values() -> None:
    assert inline({"a": [1, {"b": 'x"y'}], "c": True}) == '{a = [1, {b = "x\\"y"}], c = true}'
