"""The manifest: a chain of SHA-256 from the data to the image, with the evidence for what is at its end.

Each link is a file, or a set of files, with its hash and the links that it was made from. Its `chain` commits to all of them:

    chain(link) = SHA-256(name + " " + sha256 + LF + chain(parent) + LF ...)

so the chain of the image names one image, one source tree, one model, one student, one teacher and one data set. Nothing in a
manifest depends on time or machine: the same files give the same bytes, and a signature stays good.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from tinykd.errors import UsageError
from tinykd.recipe.section import Section
from tinykd.report.distillation import Accuracy
from tinykd.report.memory import Budget

FILE = "manifest.json"
SIGNATURE = "manifest.json.sig"

LinkName = Literal["data", "teacher", "student", "int8", "sources", "image", "device"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

LABELS: dict[LinkName, str] = {
    "data": "data set",
    "teacher": "teacher",
    "student": "student",
    "int8": "int8 model",
    "sources": "C sources",
    "image": "image (ELF)",
    "device": "board's image",
}
"""Every link in the order of the chain, with what people call it."""


class Link(Section):
    """One link of the chain."""

    name: LinkName
    made_from: tuple[LinkName, ...] = Field(description="links before this one")
    sha256: Sha256 = Field(description="of the file; for data, of its arrays; for sources, of their hashes as sha256sum prints them")
    chain: Sha256 = Field(description="SHA-256 over name, sha256 and the chains of `made_from`")
    path: str | None = Field(description="relative to the manifest; null for what is not kept beside it, and for sources their folder")


class SourceFile(Section):
    """One file of the source tree."""

    path: str = Field(description="relative to the folder of the sources")
    sha256: Sha256


class Trained(Section):
    """What `tinykd distill` found about the int8 model."""

    recipe: str
    seed: int
    command: str = Field(description="makes the same result again")
    test_samples: int
    accuracy: Accuracy = Field(description="on the test split")
    versions: dict[str, str | None]


class Measured(Section):
    """What the linked image takes, in bytes."""

    flash_bytes: int
    ram_bytes: int
    stack_bytes: int
    budget: Budget


class Proved(Section):
    """What `tinykd verify` found about this very image."""

    emulator: str
    reference: str
    samples: int
    compared: int = Field(description="integers compared")
    differences: int
    layers_compared: int
    accuracy: float | None


class Manifest(Section):
    """`manifest.json` of a run or an export."""

    schema_version: Literal[1] = 1
    tinykd: str = Field(description="version that made it")
    model: str
    links: tuple[Link, ...]
    files: tuple[SourceFile, ...] = Field(default=(), description="of the link `sources`, sorted by path")
    target: str = ""
    rounding: str = ""
    optimize: str = ""
    toolchain: str = Field(default="", description="what built the image")
    trained: Trained | None = Field(default=None, description="null for a bare model")
    measured: Measured | None = Field(default=None, description="null where no image was built")
    proved: Proved | None = Field(default=None, description="null until tinykd verify has run this very image")

    @model_validator(mode="after")
    def _in_order(self) -> Manifest:
        """Links are unique, and each is made from links before it."""
        seen: list[LinkName] = []
        for link in self.links:
            if link.name in seen or not set(link.made_from) <= set(seen):
                raise ValueError(f"link {link.name} is there twice or stands before what it was made from")
            seen.append(link.name)
        return self

    def link(self, name: LinkName) -> Link | None:
        """The link called `name`, if there is one."""
        return next((link for link in self.links if link.name == name), None)


def read_manifest(path: Path) -> Manifest:
    """The manifest in the file `path`.

    Raises:
        UsageError: there is none, or it is not one.
    """
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}", f"make one: tinykd manifest create {path.parent}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "JSON"
        raise UsageError(f"{path} is no manifest: {place}: {first['msg']}", f"make one: tinykd manifest create {path.parent}") from error


def forge(before: Sequence[Link], name: LinkName, sha256: str, path: str | None, made_from: Iterable[LinkName]) -> Link:
    """A link made from those links of `before` that `made_from` names and that exist."""
    wanted = set(made_from)
    parents = [link for link in before if link.name in wanted]
    names = tuple(link.name for link in parents)
    return Link(name=name, made_from=names, sha256=sha256, chain=chain_of(name, sha256, parents), path=path)


def chain_of(name: str, sha256: str, parents: Iterable[Link]) -> str:
    """SHA-256 (hex) over the link and the chains of its parents, in their order."""
    lines = [f"{name} {sha256}\n", *(f"{parent.chain}\n" for parent in parents)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def sources_hash(files: Iterable[SourceFile]) -> str:
    """SHA-256 (hex) of `sha256sum FILES...`, files sorted by path as bytes."""
    lines = (f"{file.sha256}  {file.path}\n" for file in sorted(files, key=lambda file: file.path.encode()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def manifest_text(manifest: Manifest) -> str:
    """The manifest as plain text."""
    lines = [f"{manifest.model}, tinykd {manifest.tinykd}"]
    for link in manifest.links:
        where = link.path if link.path is not None else "(not kept here)"
        if link.name == "sources":
            where = f"{where}, {len(manifest.files)} files"
        lines.append(f"  {LABELS[link.name]:<12} {link.sha256[:16]}  {where}")
    if manifest.links:
        lines.append(f"  {'chain':<12} {manifest.links[-1].chain}")
    if manifest.trained is not None:
        accuracy = manifest.trained.accuracy
        lines.append(
            f"  accuracy: teacher {100 * accuracy.teacher:.2f} %, int8 {100 * accuracy.int8:.2f} % "
            f"of {manifest.trained.test_samples:,} test samples"
        )
    if manifest.measured is not None:
        m = manifest.measured
        lines.append(
            f"  flash {m.flash_bytes:,} of {m.budget.flash_bytes:,} bytes, RAM {m.ram_bytes:,} of {m.budget.ram_bytes:,} bytes; "
            f"{manifest.target}, {manifest.toolchain}"
        )
    lines.append(f"  {_proof(manifest.proved)}")
    return "\n".join(lines) + "\n"


def _proof(proved: Proved | None) -> str:
    if proved is None:
        return "this image is not proven: tinykd verify"
    return f"{proved.compared:,} integers of {proved.samples:,} samples compared on {proved.emulator}, {proved.differences:,} differ"
