"""Recipes as TOML: round trips, and errors that name file, line, key and the nearest valid name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinykd.errors import RecipeError
from tinykd.recipe.model import Recipe
from tinykd.recipe.parse import parse
from tinykd.recipe.toml import load_recipe, shipped_recipes, show, template


def written(folder: Path, text: str) -> Path:
    path = folder / "r.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(folder: Path, text: str, *overrides: str) -> RecipeError:
    with pytest.raises(RecipeError) as caught:
        load_recipe(written(folder, text), overrides)
    return caught.value


def test_template_loads_back_to_the_defaults(tmp_path: Path) -> None:
    assert load_recipe(written(tmp_path, template())) == Recipe()


def test_template_explains_every_key() -> None:
    keys = [line for line in template().splitlines() if " = " in line and not line.startswith("#")]
    assert len(keys) > 70
    assert [line for line in keys if "  # " not in line] == []


def test_empty_file_is_the_defaults(tmp_path: Path) -> None:
    assert load_recipe(written(tmp_path, "")) == Recipe()


@pytest.mark.parametrize("name", ["digits", "mnist", "cifar10", "spoken_digits", "keywords", "anomaly"])
def test_shipped_recipe_survives_show(tmp_path: Path, name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.data.name == {"keywords": "wav", "anomaly": "wav"}.get(name, name)
    assert recipe != Recipe()
    assert load_recipe(written(tmp_path, show(recipe))) == recipe


def test_shipped_recipes_are_those_of_the_issue() -> None:
    assert set(shipped_recipes()) >= {"digits", "mnist", "cifar10", "spoken_digits", "keywords", "anomaly"}


def test_unset_values_survive_show(tmp_path: Path) -> None:
    recipe = load_recipe(written(tmp_path, '[teacher]\npath = "t\\u0022\\u00e9\\\\.keras"\n[distill]\nlabel_weight = 0.25\n'))
    assert (recipe.teacher.net, recipe.teacher.path) == (None, 't"é\\.keras')
    assert recipe.distill.label_weight == 0.25
    assert load_recipe(written(tmp_path, show(recipe))) == recipe
    assert "# label_weight is unset" in show(Recipe())


@settings(max_examples=60, deadline=None)
@given(
    path=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    rate=st.floats(min_value=1e-300, max_value=1e300),
    seed=st.integers(0, 2**63),
    width=st.lists(st.integers(1, 512), min_size=4, max_size=4),
    temperatures=st.lists(st.floats(0.1, 50), min_size=1, max_size=3),
)
def test_any_value_survives_show(
    tmp_path_factory: pytest.TempPathFactory, path: str, rate: float, seed: int, width: list[int], temperatures: list[float]
) -> None:
    recipe = Recipe.model_validate(
        {
            "seed": seed,
            "data": {"name": "npz", "path": path},
            "student": {"net": "ds_cnn", "knobs": {"width": width}},
            "distill": {"losses": [{"temperature": t} for t in temperatures], "train": {"learning_rate": rate}},
        }
    )
    assert load_recipe(written(tmp_path_factory.mktemp("show"), show(recipe))) == recipe


@pytest.mark.parametrize(
    ("text", "line", "key", "hint"),
    [
        ("\n[distil.train]\nepochs = 3", 2, "distil: unknown key", "did you mean distill?"),
        ("sed = 1", 1, "sed: unknown key", "did you mean seed?"),
        (
            '\n# student\n[student]\nnet = "ds_cnn"\n[student.knobs]\nwidht = 3',
            6,
            "student.knobs.widht: unknown key",
            "did you mean width?",
        ),
        ("[teacher.knobs]\nwidt = 3", 2, "teacher.knobs.widt: unknown key", "did you mean width?"),
        ('student.net = "ds_cn"', 1, 'student.net: "ds_cn"', "did you mean ds_cnn?"),
        ('[data]\nname = """\nmnis"""\n', 2, "data.name", "did you mean mnist?"),
        ("[distill.train]\nepochs = 0", 2, "distill.train.epochs: 0", ""),
        ('[distill.train]\nepochs = "3"', 2, 'distill.train.epochs: "3" is not a whole number', ""),
        ("[distill.train]\nepochs = true", 2, "distill.train.epochs: true is not a whole number", ""),
        ("[distill]\nbaseline = 1", 2, "distill.baseline: 1 is neither true nor false", ""),
        ("x = [\n 1,\n 2]\nseed = -1", 1, "x: unknown key", ""),
        ('[[distill.losses]]\nname = "kd"\nweight = 1\n[[distill.losses]]\nname = "kdd"', 5, "distill.losses.1.name", "did you mean kd?"),
        ('[[distill.losses]]\nname = "kd"\ntemperature = "x"', 3, 'distill.losses.0.temperature: "x" is not a number', ""),
        ("[[distill.losses]]\n[[distill.losses]]\ntemperatur = 2.0", 3, "distill.losses.1.temperatur", "did you mean temperature?"),
        ('[student]\nnet = "mlp"\nknobs = { hidden = [3, 0] }', 3, "student.knobs.hidden.1: 0", ""),
        ("[student.knobs]\nwidth = [1, 2]\ndepth = 5", 1, "width lists 2 numbers; depth 5 needs 6", ""),
        ('[budget]\nflash = "3 kib"', 2, 'budget.flash: "3 kib"', '"256 KiB"'),
        ("[data.log_mel]\nupper_hertz = 9000", 1, "data.log_mel: bands from 20 to 9000 Hz", ""),
        ("[data.log_mel]\nlog_floor = nan", 2, "data.log_mel.log_floor: not a finite number", ""),
        ("data = 3", 1, "data: 3 is not a table", ""),
        ("[data]\nimage_size = [32]", 2, "data.image_size.1: missing", ""),
        ("a = 1\nseed =\n", 2, "Invalid value", "strings need quotes"),
        ("seed = 1\nseed = 2", 2, "Cannot overwrite a value", ""),
    ],
)
def test_mistake_is_placed_and_named(tmp_path: Path, text: str, line: int, key: str, hint: str) -> None:
    error = refused(tmp_path, text)
    place = next(told for told in error.message.splitlines() if key in told)
    assert place.startswith(f"{tmp_path / 'r.toml'}:{line}: ")
    assert hint in place + error.hint
    assert error.hint
    assert error.exit_code == 2


def test_every_mistake_is_told(tmp_path: Path) -> None:
    message = refused(tmp_path, '[distill.train]\nepochs = 0\nschedule = "cosin"\n').message
    first, second = message.splitlines()
    assert "epochs" in first
    assert "schedule" in second
    assert "did you mean cosine?" in second


def test_nested_brackets_without_end_are_an_error(tmp_path: Path) -> None:
    assert "nested" in refused(tmp_path, "a = " + "[" * 100_000).message


def test_text_in_another_encoding_is_an_error_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_bytes(b'seed = 1\nname = "\xe9"\n')
    with pytest.raises(RecipeError, match=r"r\.toml:2: not UTF-8"):
        load_recipe(path)


def test_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_bytes(b"\xef\xbb\xbfseed = 7\r\n")
    assert load_recipe(path).seed == 7


def test_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"no recipe is called digit\n.*did you mean digits"):
        load_recipe("digit")


def test_folder_stands_for_its_recipe(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text("seed = 5")
    assert load_recipe(tmp_path).seed == 5


def test_overrides_apply_in_order_and_types(tmp_path: Path) -> None:
    recipe = load_recipe(
        written(tmp_path, '[student]\nnet = "ds_cnn"\nknobs = { width = 8 }\n'),
        [
            "seed=1",
            "seed = 2",
            "student.knobs.width=[1, 2, 3, 4]",
            "distill.losses.0.temperature=2",
            "distill.train.learning_rate=1e-3",
            "data.name=mnist",
            'budget.flash="64 KiB"',
            "teacher.path=~/t.keras",
        ],
    )
    assert recipe.seed == 2
    assert recipe.student.knobs["width"] == (1, 2, 3, 4)
    assert recipe.distill.losses[0].temperature == 2
    assert recipe.distill.losses[0].weight == 0.9
    assert recipe.distill.train.learning_rate == 1e-3
    assert recipe.data.name == "mnist"
    assert recipe.budget.flash == "64 KiB"
    assert (recipe.teacher.net, recipe.teacher.path) == (None, "~/t.keras")


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("distill.train.epoch=3", "--set distill.train.epoch=3: distill.train.epoch: unknown key"),
        ("distill.losses.1.weight=0", "elements 0 to 0, not 1"),
        ("seed", "not an assignment"),
        ("seed.a=1", "seed is a value, not a table"),
        ("seed=[[[", "not a TOML value"),
        ("seed=", "nothing is not a TOML value"),
        ("seed=1\nname='a'", "not a TOML value"),
        ("=1", "not an assignment"),
        ("a..b=1", "not an assignment"),
    ],
)
def test_wrong_override_is_an_error(tmp_path: Path, assignment: str, message: str) -> None:
    assert message in refused(tmp_path, "seed = 1", assignment).message


def test_parse_names_its_source() -> None:
    with pytest.raises(RecipeError, match=r"^here:3: "):
        parse("a = 1\nb = 2\nc = =", "here")
