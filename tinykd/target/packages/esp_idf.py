"""ESP-IDF: a component with `idf_component.yml` (docs.espressif.com, IDF Component Manager) and an example project."""

from __future__ import annotations

from tinykd.target.packages.package import Package
from tinykd.target.packages.program import c_program
from tinykd.target.packages.readme import readme


def files(package: Package) -> dict[str, str]:
    """Text by path in the package, whose folder is called like the component."""
    example = "examples/golden_vectors/"
    how = "idf.py set-target esp32c3 && idf.py flash monitor"
    return {
        **package.library("include/", "src/"),
        "CMakeLists.txt": _component(package),
        "idf_component.yml": _manifest(package),
        f"{example}CMakeLists.txt": _project(package),
        f"{example}main/CMakeLists.txt": f'idf_component_register(SRCS "main.c" INCLUDE_DIRS "." REQUIRES {package.prefix})\n',
        f"{example}main/idf_component.yml": _dependency(package),
        f"{example}main/main.c": c_program(package, how, entry="void app_main(void)"),
        f"{example}main/{package.prefix}_golden.h": package.golden,
        "README.md": readme(package, _add(package), _try()),
        "LICENSE": package.licence,
    }


def _component(package: Package) -> str:
    return f"""# {package.summary}
idf_component_register(SRCS "src/{package.prefix}.c" INCLUDE_DIRS "include")
target_compile_options(${{COMPONENT_LIB}} PRIVATE {" ".join(package.optimize)})
"""


def _manifest(package: Package) -> str:
    return f"""version: "{package.version}"
description: "{package.summary}"
url: "{package.url}"
license: "Apache-2.0"
dependencies:
  idf: ">=4.4"
"""


def _project(package: Package) -> str:
    return f"""cmake_minimum_required(VERSION 3.16)
include($ENV{{IDF_PATH}}/tools/cmake/project.cmake)
project({package.prefix}_golden_vectors)
"""


def _dependency(package: Package) -> str:
    return f"""dependencies:
  {package.prefix}:
    version: "*"
    override_path: "../../../"
"""


def _add(package: Package) -> str:
    return f"""Put this folder, under its name `{package.prefix}`, into `components/` of your project; components that use it say
`REQUIRES {package.prefix}`. Export with `--target rv32imc` for ESP32-C3, `rv32imac` for C6, either for Xtensa.
"""


def _try() -> str:
    return """    cd examples/golden_vectors
    idf.py set-target esp32c3
    idf.py flash monitor
"""
