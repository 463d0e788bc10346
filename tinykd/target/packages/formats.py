"""The formats of packages by name: what `--format` knows beside the tree and the array."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tinykd.target.packages import arduino, cmake, cmsis_pack, esp_idf, makefile, platformio, single_file, zephyr
from tinykd.target.packages.package import Package


def _no_archives(_: Package, __: Mapping[str, str]) -> dict[str, bytes]:
    return {}


@dataclass(frozen=True)
class Format:
    """A kind of package.

    Attributes:
        files: text by path in the package.
        folder: of the package below the folder that the user names, `{prefix}` for the C name; '' to lie beside the user's own files.
        archives: what lies beside the folder, by name, from the package and its files.
    """

    files: Callable[[Package], dict[str, str]]
    folder: str = "{prefix}"
    archives: Callable[[Package, Mapping[str, str]], dict[str, bytes]] = _no_archives


FORMATS: dict[str, Format] = {
    "cmake": Format(cmake.files),
    "make": Format(makefile.files),
    "arduino": Format(arduino.files),
    "platformio": Format(platformio.files),
    "zephyr": Format(zephyr.files),
    "cmsis-pack": Format(cmsis_pack.files, archives=cmsis_pack.archives),
    "esp-idf": Format(esp_idf.files),
    "single-file": Format(single_file.files, folder=""),
}
