"""Zephyr: a module (docs.zephyrproject.org, Modules) with one Kconfig switch a model, and a sample that twister can run."""

from __future__ import annotations

from tinykd.target.packages.package import Package
from tinykd.target.packages.program import c_program
from tinykd.target.packages.readme import readme


def files(package: Package) -> dict[str, str]:
    """Text by path in the package."""
    sample = "samples/golden_vectors/"
    how = f"west build -b qemu_cortex_m3 {sample.rstrip('/')} && west build -t run"
    return {
        **package.library("include/", "src/"),
        "zephyr/module.yml": _module(package),
        "zephyr/CMakeLists.txt": _build(package),
        "zephyr/Kconfig": _kconfig(package),
        f"{sample}CMakeLists.txt": _sample(package),
        f"{sample}prj.conf": f"CONFIG_{package.macro}=y\nCONFIG_MAIN_STACK_SIZE=4096\n",
        f"{sample}testcase.yaml": _testcase(package),
        f"{sample}src/main.c": c_program(package, how, include="<zephyr/kernel.h>", show="printk"),
        f"{sample}src/{package.prefix}_golden.h": package.golden,
        "README.md": readme(package, _add(package), _try(sample)),
        "LICENSE": package.licence,
    }


def _module(package: Package) -> str:
    return f"""name: {package.prefix}
build:
  cmake: zephyr
  kconfig: zephyr/Kconfig
samples:
  - samples
"""


def _build(package: Package) -> str:
    prefix = package.prefix
    return f"""# {package.summary}
if(CONFIG_{package.macro})
  zephyr_library_named({prefix})
  zephyr_library_sources(${{CMAKE_CURRENT_LIST_DIR}}/../src/{prefix}.c)
  zephyr_library_include_directories(${{CMAKE_CURRENT_LIST_DIR}}/../include)
  zephyr_include_directories(${{CMAKE_CURRENT_LIST_DIR}}/../include)
  zephyr_library_compile_options({" ".join(package.optimize)})
endif()
"""


def _kconfig(package: Package) -> str:
    help_text = (
        package.summary,
        f"It takes {package.arena_bytes} bytes of RAM, which its caller owns, and",
        f"{package.constant_bytes} bytes of constants in flash.",
    )
    lines = [f"config {package.macro}", f"\tbool \"Neural network '{package.model}'\"", "\thelp", *(f"\t  {line}" for line in help_text)]
    return "\n".join(lines) + "\n"


def _sample(package: Package) -> str:
    return f"""cmake_minimum_required(VERSION 3.20.0)
list(APPEND ZEPHYR_EXTRA_MODULES ${{CMAKE_CURRENT_SOURCE_DIR}}/../..)
find_package(Zephyr REQUIRED HINTS $ENV{{ZEPHYR_BASE}})
project({package.prefix}_golden_vectors)

target_sources(app PRIVATE src/main.c)
"""


def _testcase(package: Package) -> str:
    return f"""sample:
  name: {package.prefix} golden vectors
  description: The integers of a model, compared with those of Python
tests:
  {package.prefix.replace("_", ".", 1)}.golden_vectors:
    tags: tinykd
    integration_platforms:
      - qemu_cortex_m3
    harness: console
    harness_config:
      type: one_line
      regex:
        - "{package.model}: \\\\d+ golden vectors, 0 output bytes differ"
"""


def _add(package: Package) -> str:
    return f"""In `west.yml` as a project, or in `CMakeLists.txt` of your application before `find_package(Zephyr)`:

    list(APPEND ZEPHYR_EXTRA_MODULES ${{CMAKE_CURRENT_SOURCE_DIR}}/modules/{package.prefix})

Then `CONFIG_{package.macro}=y` in `prj.conf` and `#include "{package.prefix}.h"`.
"""


def _try(sample: str) -> str:
    return f"""    west build -b qemu_cortex_m3 {sample.rstrip("/")}
    west build -t run

or `west twister -T {sample.rstrip("/")}`.
"""
