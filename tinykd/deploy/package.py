"""Packages: an exported model as a library of some build system, and the model as an array."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tinykd import __version__
from tinykd.compile.emit import example, tree
from tinykd.compile.emit.golden import Golden
from tinykd.compile.emit.library import kernel_library
from tinykd.compile.emit.names import Names
from tinykd.compile.emit.tables import collect
from tinykd.compile.tflm import arena_bytes
from tinykd.deploy.export import GOLDEN_BYTES, Exported
from tinykd.deploy.folder import check_folder, write_folder
from tinykd.deploy.source import Source
from tinykd.errors import UsageError
from tinykd.resources import licence_text
from tinykd.run import write_atomically
from tinykd.target.build import OPTIMIZE
from tinykd.target.packages.formats import FORMATS
from tinykd.target.packages.package import Package

MANIFEST = "tinykd_package.json"
LONGEST_NAME = 32
"""Of a model's C name: what PACK.xsd allows for a component (Csub), and all other formats do."""

_VERSION = re.compile(r"(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})")
_URL = re.compile(r"https?://[!#-;=?-~]+")


@dataclass(frozen=True)
class Publication:
    """What a package says of itself to whoever installs it.

    Raises:
        UsageError: the version is not three numbers, or the address not one of the web.
    """

    version: str
    url: str

    def __post_init__(self) -> None:
        if not _VERSION.fullmatch(self.version):
            raise UsageError(f"'{self.version}' is no version of a package", "give three numbers, for example 1.2.0")
        if not _URL.fullmatch(self.url):
            raise UsageError(f"'{self.url}' is no address of a package", "give one that begins with https://")


def package_of(exported: Exported, publication: Publication) -> Package:
    """Everything that packages of an export are made from."""
    program, plan, graph = exported.program, exported.plan, exported.program.graph
    names, banner = Names(graph.name), tree.banner(graph)
    single = tree.single_file(program, plan, kernel_library())
    return Package(
        model=graph.name,
        version=publication.version,
        url=publication.url,
        sha256=graph.model_sha256,
        header=single[f"{names.prefix}.h"],
        source=single[f"{names.prefix}.c"],
        golden=example.golden_header(graph, _some(exported.golden), names, banner),
        inference=example.inference(program, plan, names),
        usage=example.usage(program, plan, names),
        target=exported.target.core.name,
        arena_bytes=plan.arena_bytes,
        constant_bytes=collect(program, names, plan.schedule).bytes,
        macs=program.macs,
        optimize=OPTIMIZE[exported.settings.optimize],
        licence=licence_text(),
    )


def _some(golden: Golden) -> Golden:
    """As many golden vectors as an image holds, at least one: only the example bears them."""
    fitting = golden.within(GOLDEN_BYTES)
    return fitting if fitting.inputs else Golden(golden.inputs[:1], golden.outputs[:1])


def check_package(model: str, form: str, folder: Path) -> None:
    """Refuse before anything is computed what could not be written.

    Raises:
        UsageError: the model's name is too long, or `folder` holds something else where the package would lie.
    """
    if len(model) > LONGEST_NAME:
        raise UsageError(f"'{model}' is too long for the name of a package", f"give one of at most {LONGEST_NAME} characters with --name")
    if FORMATS[form].folder:
        check_folder(folder / FORMATS[form].folder.format(prefix=Names(model).prefix), MANIFEST)


def write_package(package: Package, form: str, folder: Path) -> tuple[Path, ...]:
    """Write the package of a format below `folder`; returns the paths of its files.

    Args:
        form: key of `FORMATS`.
    """
    chosen = FORMATS[form]
    files = chosen.files(package)
    own = folder / chosen.folder.format(prefix=package.prefix)
    encoded = {path: text.encode() for path, text in files.items()}
    archives = chosen.archives(package, files)
    if chosen.folder:
        about = {"tinykd": __version__, "format": form, "model": package.model, "model_sha256": package.sha256, "version": package.version}
        write_folder(own, encoded, MANIFEST, about)
        loose = archives
    else:
        loose = {**encoded, **archives}
    for name, data in loose.items():
        write_atomically(folder / name, data)
    return (*(own / path for path in files), *(folder / name for name in archives))


def write_array(source: Source, folder: Path) -> tuple[Path, ...]:
    """Write the `.tflite` as a C array for TFLite Micro; returns the paths. It need not hold what tinykd's kernels compute."""
    files = tree.array_files(source.graph, source.model, arena_bytes(source.model))
    files["tinykd/compiler.h"] = kernel_library()["include/tinykd/compiler.h"]
    for name, text in files.items():
        write_atomically(folder / name, text.encode())
    return tuple(folder / name for name in files)
