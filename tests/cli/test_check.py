"""`tinykd check`, and the gates made of it: the pre-commit hook and the steps of the GitHub Action, run here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.compile.models import conv_then_dense_bytes
from tests.deploy.commands import tinykd
from tinykd.deploy.check import check_models
from tinykd.report.check import Checked

ROOT = Path(__file__).resolve().parents[2]
yaml = pytest.importorskip("yaml", reason="PyYAML comes with pre-commit, in the extra dev")


@pytest.fixture
def models(tmp_path: Path) -> tuple[Path, Path]:
    """Two models that differ in their weights, in a folder with a space in its name."""
    folder = tmp_path / "two models"
    folder.mkdir()
    for seed, name in enumerate(("a.tflite", "b.tflite")):
        (folder / name).write_bytes(conv_then_dense_bytes(seed=seed))
    return folder / "a.tflite", folder / "b.tflite"


def test_figures_are_those_of_export(models: tuple[Path, Path], tmp_path: Path) -> None:
    checked = tinykd("check", models[0], "--target", "m4", "--json", folder=tmp_path)
    assert checked.returncode == 0, checked.stderr
    memory = json.loads(tinykd("export", models[0], "--target", "m4", "--json", "--out", tmp_path / "out").stdout)
    (found,) = json.loads(checked.stdout)["models"]
    assert found["measured"]
    assert {key: found[key] for key in ("flash_bytes", "ram_bytes", "arena_bytes")} == {
        key: memory[key] for key in ("flash_bytes", "ram_bytes", "arena_bytes")
    }
    assert not (tmp_path / "runs").exists(), "nothing is left behind"


def test_the_edge_of_the_budget(models: tuple[Path, Path]) -> None:
    """The very bytes that it takes fit; one byte less does not."""

    def fits(flash: int, ram: int) -> Checked:
        return check_models(models[:1], "m4", None, f"{flash}B", f"{ram}B", "auto").models[0]

    taken = fits(100_000, 100_000)
    assert taken.flash_bytes is not None
    assert taken.ram_bytes is not None
    assert fits(taken.flash_bytes, taken.ram_bytes).verdict == "fits"
    assert fits(taken.flash_bytes - 1, taken.ram_bytes).verdict == "over budget"
    assert fits(taken.flash_bytes, taken.ram_bytes - 1).verdict == "over budget"


def test_a_refused_model_does_not_hide_the_others(models: tuple[Path, Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"TFL3 not really")
    outcome = tinykd("check", broken, models[0], "--target", "m4", "--flash", "1KiB", "--json")
    assert outcome.returncode == 5
    assert [one["verdict"] for one in json.loads(outcome.stdout)["models"]] == ["unsupported", "over budget"]
    assert tinykd("check", tmp_path / "none.tflite").returncode == 2
    assert tinykd("check").returncode == 2


def test_more_than_a_board_has_is_over_budget_with_its_figures(models: tuple[Path, Path], tmp_path: Path) -> None:
    """Beyond the memory of the chip itself nothing can be linked in place; it is measured all the same, and the next model too."""
    small = tmp_path / "small.toml"
    small.write_text(
        'core = "cortex-m4"\nflash = { origin = 0x0800_0000, bytes = 4096 }\nram = { origin = 0x2000_0000, bytes = 4096 }\n'
        'stand_in = "mps2-an386"\n'
    )
    outcome = tinykd("check", *models, "--board", small, "--json")
    assert outcome.returncode == 3, outcome.stderr
    for one in json.loads(outcome.stdout)["models"]:
        assert one["verdict"] == "over budget"
        assert one["flash_bytes"] > one["budget"]["flash_bytes"] == 4096


def test_without_a_compiler_it_is_an_estimate_and_says_so(models: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from tinykd.deploy import check
    from tinykd.errors import ToolError
    from tinykd.report.check import check_text

    def none(*_: object) -> None:
        raise ToolError("no compiler")

    monkeypatch.setattr(check, "find_toolchain", none)
    found = check.check_models(models[:1], "m4", None, None, None, "auto")
    assert not found.models[0].measured
    assert "without code and stack" in check_text(found)
    with pytest.raises(ToolError):
        check.check_models(models[:1], "m4", None, None, None, "gcc")


def steps() -> list[dict]:  # type: ignore[type-arg]
    return list(yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"])


def run_action(tmp_path: Path, **inputs: str) -> tuple[int, str]:
    """The step `check` of the action as a runner runs it; `tinykd` is this one."""
    bin_ = tmp_path / "bin"
    bin_.mkdir(exist_ok=True)
    stub = bin_ / "tinykd"
    stub.write_text(f"#!{sys.executable}\nimport sys; sys.path.insert(0, {str(ROOT)!r})\nfrom tinykd.cli.main import main; main()\n")
    stub.chmod(0o755)
    defaults = {name: value.get("default", "") for name, value in yaml.safe_load((ROOT / "action.yml").read_text())["inputs"].items()}
    values = {**defaults, **inputs}
    step = next(step for step in steps() if step.get("id") == "check")
    env = {name: values[text.strip("${} ").removeprefix("inputs.")] for name, text in step["env"].items()}
    summary, output = tmp_path / "summary", tmp_path / "output"
    summary.write_text("")
    output.write_text("")
    outcome = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        env={**os.environ, **env, "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}", "RUNNER_TEMP": str(tmp_path),
             "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_OUTPUT": str(output)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert output.read_text() == f"report={tmp_path}/tinykd-check.md\n", outcome.stderr
    return outcome.returncode, summary.read_text()


def test_the_action_passes_and_fails_with_a_table(models: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "a.tflite").write_bytes(models[0].read_bytes())
    code, summary = run_action(tmp_path, models=f"{tmp_path}/*.tflite", board="nucleo-f446re", base=str(models[1]))
    assert code == 0
    assert f"| `{tmp_path}/a.tflite` | nucleo-f446re |" in summary
    assert "weight tensors differ" in summary, "the comparison with the base"
    code, summary = run_action(tmp_path, models=f"{tmp_path}/a.tflite", board="m4", flash="1KiB", ram="64KiB")
    assert code == 3
    assert "over budget" in summary


def test_the_action_says_when_nothing_matches(tmp_path: Path) -> None:
    assert run_action(tmp_path, models=f"{tmp_path}/*.tflite")[0] == 2


def test_inputs_never_become_part_of_a_script() -> None:
    """A file name from a pull request is data: it reaches the shell through the environment only."""
    for step in steps():
        assert "${{" not in step.get("run", "")


def test_the_hook_is_valid_and_its_entry_is_a_gate(models: tuple[Path, Path]) -> None:
    subprocess.run([sys.executable, "-m", "pre_commit", "validate-manifest", ROOT / ".pre-commit-hooks.yaml"], check=True)
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    program, *arguments = hook["entry"].split()
    assert program == "tinykd"
    assert tinykd(*arguments, "--target", "m4", *models).returncode == 0
    assert tinykd(*arguments, "--target", "m4", "--flash", "1KiB", *models).returncode == 3
