"""CMSIS-Pack: a `.pdsc` by PACK.xsd 1.7 (open-cmsis-pack.github.io), and the `.pack`, a zip of the folder."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from xml.sax.saxutils import escape

from tinykd.target.packages.package import Package
from tinykd.target.packages.program import c_program
from tinykd.target.packages.readme import readme

VENDOR = "tinykd"
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can bear: the same model gives the same bytes."""


def files(package: Package) -> dict[str, str]:
    """Text by path in the package."""
    return {
        **package.library("include/", "src/"),
        f"{VENDOR}.{package.model}.pdsc": _description(package),
        "example/main.c": c_program(package, "A template: retarget stdout, or replace printf."),
        f"example/{package.prefix}_golden.h": package.golden,
        "README.md": readme(package, _add(package), _try(package)),
        "LICENSE": package.licence,
    }


def archives(package: Package, tree: Mapping[str, str]) -> dict[str, bytes]:
    """The `.pack` by its name. Stored, not deflated: libraries for deflate differ in their bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(tree):
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.create_system = 3  # Unix, on every machine
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, tree[path].encode())
    return {f"{VENDOR}.{package.model}.{package.version}.pack": stream.getvalue()}


def _description(package: Package) -> str:
    summary, prefix = escape(package.summary), package.prefix
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<package schemaVersion="1.7.7" xmlns:xs="http://www.w3.org/2001/XMLSchema-instance" xs:noNamespaceSchemaLocation="PACK.xsd">
  <vendor>{VENDOR}</vendor>
  <name>{package.model}</name>
  <description overview="README.md">{summary}</description>
  <url>{escape(package.url)}</url>
  <license>LICENSE</license>
  <releases>
    <release version="{package.version}">From a .tflite with SHA-256 {package.sha256}.</release>
  </releases>
  <keywords>
    <keyword>neural network</keyword>
    <keyword>inference</keyword>
  </keywords>
  <components>
    <component Cclass="Machine Learning" Cgroup="tinykd" Csub="{package.model}" Cversion="{package.version}">
      <description>{summary}</description>
      <RTE_Components_h>
        #define RTE_{package.macro}
      </RTE_Components_h>
      <files>
        <file category="doc" name="README.md"/>
        <file category="include" name="include/"/>
        <file category="header" name="include/{prefix}.h"/>
        <file category="source" name="src/{prefix}.c"/>
        <file category="header" name="example/{prefix}_golden.h" attr="template" select="Golden vectors of {package.model}"/>
        <file category="source" name="example/main.c" attr="template" select="Golden vectors of {package.model}"/>
      </files>
    </component>
  </components>
</package>
"""


def _add(package: Package) -> str:
    pack = f"{VENDOR}.{package.model}.{package.version}.pack"
    return f"""    cpackget add {pack}

then in a csolution project:

    packs:
      - pack: {VENDOR}::{package.model}
    components:
      - component: {VENDOR}::Machine Learning:tinykd:{package.model}

In Keil and other IDEs: import the pack, choose *Machine Learning > tinykd > {package.model}*.
"""


def _try(package: Package) -> str:
    return f"""Add the template *Golden vectors of {package.model}* to a project whose `printf` goes somewhere, and run it."""
