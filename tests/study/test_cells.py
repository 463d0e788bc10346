"""What a study file becomes: cells with their recipes, and errors that say where."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinykd.errors import RecipeError
from tinykd.study.cells import QUICK, cells_of, treatments_of
from tinykd.study.file import find_study, shipped_studies, varied
from tinykd.study.order import may_start
from tinykd.study.treatments import TREATMENTS

STUDY = """
recipe = "digits"
trials = 2
[set]
"distill.train.epochs" = 3
[grid]
"distill.losses.0.temperature" = [2.0, 4.0]
[[points]]
name = "small"
set = { student = { net = "mlp", knobs = { hidden = [8] } } }
[[points]]
name = "large"
set = { student.knobs = { width = 16, depth = 1 } }
[[treatments]]
name = "plain"
[[treatments]]
name = "qat"
[[treatments]]
name = "hard"
training = "distilled"
form = "ptq"
set = { "distill.losses.0.weight" = 0.5 }
"""


def written(folder: Path, text: str = STUDY) -> str:
    path = folder / "study.toml"
    path.write_text(text)
    return str(path)


def test_every_combination_is_a_cell(tmp_path: Path) -> None:
    cells = cells_of(find_study(written(tmp_path)))
    assert len(cells) == 2 * 2 * 2 * 2  # points, temperatures, trainings (plain and hard), seeds
    assert len({cell.name for cell in cells}) == len(cells)
    assert cells[0].name == "small,temperature=2.0.plain.seed0"
    assert [one.name for one in cells[0].treatments] == ["plain", "qat"]
    assert [one.name for one in cells[1].treatments] == ["hard"]


def test_recipes_of_the_cells(tmp_path: Path) -> None:
    cells = {cell.name: cell.recipe for cell in cells_of(find_study(written(tmp_path)))}
    plain, hard = cells["small,temperature=4.0.plain.seed0"], cells["large,temperature=4.0.hard.seed1"]
    assert plain.distill.losses == ()
    assert plain.distill.label_weight == 1.0
    assert plain.student.net == "mlp"
    assert hard.student.knobs["width"] == 16
    assert (hard.distill.losses[0].weight, hard.distill.losses[0].model_dump()["temperature"]) == (0.5, 4.0)
    assert hard.seed == 1
    assert all(recipe.distill.train.epochs == 3 and not recipe.distill.baseline for recipe in cells.values())


def test_command_line_comes_last(tmp_path: Path) -> None:
    file = find_study(written(tmp_path))
    assert all(cell.recipe.distill.train.epochs == 7 for cell in cells_of(file, ["distill.train.epochs=7"]))
    assert all(cell.recipe.distill.train.epochs == 1 for cell in cells_of(file, (), QUICK))
    assert sorted({cell.recipe.seed for cell in cells_of(file, ["seed=5"])}) == [5, 6]


def test_what_defines_a_treatment_is_stronger_than_the_command_line(tmp_path: Path) -> None:
    cells = {
        cell.name: cell.recipe for cell in cells_of(find_study(written(tmp_path)), ["distill.scheme=mutual", "distill.losses.0.weight=0.1"])
    }
    plain, hard = cells["small,temperature=2.0.plain.seed0"], cells["small,temperature=2.0.hard.seed0"]
    assert (plain.distill.scheme.name, plain.distill.losses) == ("offline", ())
    assert (hard.distill.scheme.name, hard.distill.losses[0].weight) == ("mutual", 0.5)


def test_varied_by_the_command_line(tmp_path: Path) -> None:
    file = varied(find_study(written(tmp_path)), 1, ["student.train_width=[1]"], ["hard", "distilled_qat"])
    assert file.study.trials == 1
    assert [one.name for one in treatments_of(file)] == ["hard", "distilled_qat"]
    assert file.study.grid["student.train_width"] == [1]
    for wrong in ("distill.losses.0.temperature=3", "=[1]", "a=[", "a=[]"):
        with pytest.raises(RecipeError, match="not an array"):
            varied(file, None, [wrong], [])
    with pytest.raises(RecipeError, match="there is none") as caught:
        varied(file, None, [], ["plian"])
    assert "plain" in caught.value.hint


@pytest.mark.parametrize("order", [1, -1])
def test_a_changed_treatment_needs_a_name_of_its_own(tmp_path: Path, order: int) -> None:
    treatments = ['{name = "distilled", set = {seed = 3}}', '{name = "distilled_qat"}'][::order]
    path = tmp_path / "study.toml"
    path.write_text(f'recipe = "digits"\ntreatments = [{", ".join(treatments)}]\n')
    with pytest.raises(RecipeError, match="a training of that name is known"):
        cells_of(find_study(str(path)))


def test_another_teacher_in_the_recipe_is_another_key(tmp_path: Path) -> None:
    teacher, path = tmp_path / "teacher.keras", tmp_path / "study.toml"
    path.write_text(f'recipe = "digits"\n[grid]\n"teacher.path" = ["{teacher}"]\n')
    keys = []
    for content in (b"one", b"two", b"one"):
        teacher.write_bytes(content)
        keys.append(cells_of(find_study(str(path)))[0].key(None))
    assert keys[0] == keys[2] != keys[1]


def test_a_recipe_is_a_study_too(tmp_path: Path) -> None:
    assert {cell.training for cell in cells_of(find_study("digits"))} == {"plain", "distilled"}
    recipe = tmp_path / "mine.toml"
    recipe.write_text('name = "mine"\n[data]\nname = "digits"\n')
    file = find_study(str(recipe))
    assert file.study.name == "mine"
    assert len(cells_of(file)) == 2 * file.study.trials


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('recipe = "digits"\ntrails = 3', r"study.toml:2: trails: unknown key"),
        ('recipe = "digits"\ntrials = 0', r"study.toml:2: trials: .*greater than 0"),
        ('recipe = "digits"\n[grid]\nseed = []', r"study.toml:3: grid.seed"),
        ('recipe = "digits"\n[[treatments]]\nname = "pruend"', r"no treatment is called pruend"),
        ('recipe = "nowhere"\ntrials = 1', r"no recipe is called nowhere"),
        ('recipe = "digits"\n[grid]\n"student.knobs.widht" = [1]', r"widht=1.*, plain: .*widht=1.*unknown key"),
        ('recipe = "digits"\n[[points]]\nname = "a"\n[[points]]\nname = "a"', r"two cells are called a.plain.seed0"),
        ('recipe = "digits"\n[[points]]\nname = "../a"', r"study.toml:.*points.0.name"),
        ('recipe = "digits"\ntrials = [', r"study.toml:2: "),
    ],
)
def test_mistakes_are_told_before_anything_runs(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        cells_of(find_study(written(tmp_path, text)))


def test_unknown_study_names_what_there_is() -> None:
    with pytest.raises(RecipeError) as caught:
        find_study("mnist-size")
    assert "mnist-sizes" in caught.value.hint


@pytest.mark.parametrize("name", shipped_studies())
def test_shipped_studies_are_right(name: str) -> None:
    file = find_study(name)
    assert file.study.name == name
    assert cells_of(file)
    assert cells_of(file, (), QUICK)


def test_every_treatment_is_compared_with_one_that_there_is() -> None:
    assert all(one.against in TREATMENTS for one in TREATMENTS.values() if one.against)


def test_a_cell_waits_for_the_teacher_that_another_is_training(tmp_path: Path) -> None:
    cells = {cell.name: cell for cell in cells_of(find_study(written(tmp_path)))}
    running = cells["small,temperature=2.0.plain.seed0"]
    same_teacher, other_seed = cells["large,temperature=4.0.hard.seed0"], cells["small,temperature=2.0.plain.seed1"]
    assert not may_start(same_teacher, [(running, tmp_path)])
    assert may_start(other_seed, [(running, tmp_path)])
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "teacher.json").write_text("{}")
    assert may_start(same_teacher, [(running, tmp_path)])
    # Temperature means nothing to plain students: both would be the same.
    assert not may_start(cells["small,temperature=2.0.plain.seed0"], [(running, tmp_path)])
    (tmp_path / "stages" / "student.json").write_text("{}")
    assert may_start(cells["small,temperature=2.0.plain.seed0"], [(running, tmp_path)])
