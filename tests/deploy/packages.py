"""Packages of a model on disk, compilers, and what stands in for frameworks that are not here."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.compile.models import conv_then_dense_bytes
from tinykd.deploy.export import export
from tinykd.deploy.package import Publication, package_of
from tinykd.deploy.source import open_source
from tinykd.recipe.model import Export
from tinykd.target.packages.package import Package

STANDINS = Path(__file__).parent / "frameworks"
"""Headers and CMake functions that do on this machine what those of Arduino, Zephyr and ESP-IDF do there."""

STRICT = ("-Wall", "-Wextra", "-Werror")


@functools.cache
def package(name: str = "small", seed: int = 0, version: str = "1.2.3", **settings: str) -> Package:
    """A package of `conv_then_dense`, with another set of weights for each seed."""
    return package_of_model(conv_then_dense_bytes(seed), name, version, **settings)


def package_of_model(model: bytes, name: str = "small", version: str = "1.2.3", **settings: str | tuple[str, ...]) -> Package:
    """A package of a `.tflite`; `settings` are those of `Export`."""
    with tempfile.TemporaryDirectory(prefix="tinykd-package-") as folder:
        path = Path(folder) / f"{name}.tflite"
        path.write_bytes(model)
        chosen = Export.model_validate({"target": "m4", **settings})
        exported = export(open_source(path), chosen, Path(folder) / "tree")
        return package_of(exported, Publication(version, "https://example.com/nets?a=1&b=2"))


@functools.cache
def toolbox() -> dict[str, str]:
    """An environment whose PATH has `cc`, `c++` and `ar`: the machine's, or zig's from PyPI; and programs installed beside Python."""
    paths = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    if not all(map(shutil.which, ("cc", "c++", "ar"))):
        folder = Path(tempfile.mkdtemp(prefix="tinykd-toolbox-"))
        for name in ("cc", "c++", "ar"):
            script = folder / name
            script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ziglang {name} "$@"\n')
            script.chmod(0o755)
        paths.insert(0, str(folder))
    return {**os.environ, "PATH": os.pathsep.join(paths)}


def program(name: str) -> str | None:
    """Where `name` is: beside Python (cmake and ninja come from PyPI) or on the PATH."""
    return shutil.which(name, path=toolbox()["PATH"])


def run(*command: object, folder: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command with `toolbox`; a failure shows what it said."""
    outcome = subprocess.run(
        [str(part) for part in command], cwd=folder, env={**toolbox(), **variables}, capture_output=True, text=True, timeout=600
    )
    assert outcome.returncode == 0, f"{command}\n{outcome.stdout[-4000:]}\n{outcome.stderr[-4000:]}"
    return outcome


def compiled_c(source: Path, include: Sequence[Path], to: Path, *flags: str) -> Path:
    """The object of a C source."""
    run("cc", *STRICT, *flags, *(f"-I{folder}" for folder in include), "-c", source, "-o", to)
    return to


def compiled_cpp(source: Path, include: Sequence[Path], to: Path, *flags: str) -> Path:
    """The object of a C++ source, by C++11 as frameworks for small machines have it."""
    run("c++", "-std=c++11", *STRICT, *flags, *(f"-I{folder}" for folder in include), "-c", source, "-o", to)
    return to


def linked(objects: Sequence[Path], to: Path, *flags: str) -> Path:
    """The program of some objects."""
    run("c++", *objects, *flags, "-o", to)
    return to


def agrees(shown: str, model: str = "small") -> bool:
    """What an example prints where every integer is right."""
    return f"{model}: 16 golden vectors, 0 output bytes differ" in shown
