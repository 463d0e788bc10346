"""The images: pinned, small, not root, made of files that exist; the compose file names them."""

from __future__ import annotations

import json
import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tinykd.cli.main import tinykd as root

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
DOCKER = ROOT / "docker"
FILES = ("train", "firmware")
PINNED = re.compile(r"^[a-z0-9./-]+:[a-z]+-\d{8}-slim(@sha256:[0-9a-f]{64})?$")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@dataclass(frozen=True)
class Instruction:
    """`word`, and what it is given."""

    word: str
    given: str


def instructions(name: str) -> list[Instruction]:
    """Of a Dockerfile, lines that end in a backslash joined, without comments."""
    lines = [line for line in (DOCKER / f"{name}.Dockerfile").read_text().splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [Instruction(*line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def last_stage(name: str) -> list[Instruction]:
    found = instructions(name)
    return found[max(k for k, one in enumerate(found) if one.word == "FROM") :]


def given(found: list[Instruction], word: str) -> list[str]:
    return [one.given for one in found if one.word == word]


@pytest.mark.parametrize("name", FILES)
def test_the_base_is_pinned(name: str) -> None:
    found = instructions(name)
    (argument,) = given(found, "ARG")
    variable, base = argument.split("=")
    assert PINNED.match(base), base
    assert {source.split()[0] for source in given(found, "FROM")} == {f"${{{variable}}}"}
    assert "latest" not in (DOCKER / f"{name}.Dockerfile").read_text()


def test_both_have_the_same_base() -> None:
    assert len({given(instructions(name), "ARG")[0] for name in FILES}) == 1


@pytest.mark.parametrize("name", FILES)
def test_nobody_is_root(name: str) -> None:
    stage = last_stage(name)
    (user,) = given(stage, "USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user), "a number, so that an orchestrator can tell that it is not root"
    after = stage[[one.word for one in stage].index("USER") :]
    assert {one.word for one in after} <= {"USER", "WORKDIR", "ENTRYPOINT", "CMD"}
    assert f"useradd --uid {user.split(':')[0]} " in " ".join(given(stage, "RUN"))


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_kept_that_only_building_needs(name: str) -> None:
    stage = last_stage(name)
    installs = [run for run in given(stage, "RUN") if "apt-get install" in run]
    assert installs
    for run in installs:
        assert "--no-install-recommends" in run
        assert "rm -rf /var/lib/apt/lists/*" in run
    assert not any("pip" in run for run in given(stage, "RUN"))
    stages = [source.split()[-1] for source in given(instructions(name), "FROM") if " AS " in source]
    assert all(re.match(rf"--from=({'|'.join(stages)}) ", copy) for copy in given(stage, "COPY"))


@pytest.mark.parametrize("name", FILES)
def test_packages_are_the_pinned_ones(name: str) -> None:
    (install,) = [run for run in given(instructions(name), "RUN") if " install " in run and "pip" in run and "apt-get" not in run]
    words = shlex.split(install)
    assert "PIP_CONSTRAINT=/src/constraints.txt" in words
    extras = re.fullmatch(r"/src(?:\[([a-z,]+)\])?", words[-1])
    assert extras
    assert set(filter(None, (extras[1] or "").split(","))) <= set(PROJECT["project"]["optional-dependencies"])


@pytest.mark.parametrize("name", FILES)
def test_the_command_is_tinykd(name: str) -> None:
    stage = last_stage(name)
    assert json.loads(given(stage, "ENTRYPOINT")[0]) == ["tinykd"]
    assert json.loads(given(stage, "CMD")[0]) == ["--help"]


def allowed(path: str) -> bool:
    """Whether `.dockerignore` lets `path` into the build; the last line that fits decides."""
    kept = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.strip()
        if pattern and not pattern.startswith("#"):
            name = pattern.removeprefix("!")
            if name == "*" or path == name or path.startswith(f"{name}/") or (name.startswith("**/") and Path(path).match(name[3:])):
                kept = pattern.startswith("!")
    return kept


def test_all_that_a_wheel_is_made_of_gets_in_and_nothing_else() -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"], PROJECT["project"]["readme"], "pyproject.toml", "constraints.txt"}
    assert all((ROOT / path).exists() for path in needed)
    assert {path for path in needed if not allowed(path)} == set()
    assert not any(map(allowed, (".git", ".venv", "runs", "tests", "docs", "tinykd/__pycache__", "secret.pem")))


def compose() -> dict[str, dict[str, dict[str, object]]]:
    loaded = yaml.safe_load((DOCKER / "compose.yaml").read_text())
    assert isinstance(loaded, dict)
    return loaded


def test_compose_builds_both() -> None:
    services = compose()["services"]
    assert set(services) == set(FILES)
    for name, service in services.items():
        build = service["build"]
        assert isinstance(build, dict)
        context = (DOCKER / build["context"]).resolve()
        assert context == ROOT
        assert context / build["dockerfile"] == DOCKER / f"{name}.Dockerfile"
        image = str(service["image"])
        assert ":" in image
        assert not image.endswith(":latest")
        assert service["cap_drop"] == ["ALL"]
        assert service["user"] != "root"
        for volume in service["volumes"]:
            source = str(volume).rsplit(":", 1)[0]
            assert source.startswith("${") or source in compose()["volumes"]
    assert services["firmware"]["network_mode"] == "none"


def documented() -> list[str]:
    """What the pages and the files' own comments tell to run in a container: the words after the image or the service."""
    pages = [ROOT / "README.md", ROOT / "docs/docker.md", DOCKER / "compose.yaml", *DOCKER.glob("*.Dockerfile")]
    lines = "\n".join(page.read_text() for page in pages).splitlines()
    return [
        found[1] for line in lines if (found := re.search(r"docker (?:compose )?.*\brun .*?(?:tinykd-|--rm )(?:train|firmware) (.*)", line))
    ]


def test_documented_commands_exist() -> None:
    found = documented()
    assert len(found) >= 6
    for line in found:
        assert root.get_command(None, line.split()[0]), line  # type: ignore[arg-type]
