"""CMake: a static library for `add_subdirectory`, `FetchContent`, or `find_package` after an install."""

from __future__ import annotations

from tinykd.target.packages.package import Package
from tinykd.target.packages.program import c_program
from tinykd.target.packages.readme import readme


def files(package: Package) -> dict[str, str]:
    """Text by path in the package."""
    return {
        **package.library("include/", "src/"),
        "CMakeLists.txt": _project(package),
        "example/CMakeLists.txt": _example(package),
        "example/main.c": c_program(package, "cmake -B build && cmake --build build && build/example/" + f"{package.prefix}_example"),
        f"example/{package.prefix}_golden.h": package.golden,
        "README.md": readme(package, _add(package), _TRY),
        "LICENSE": package.licence,
    }


def _project(package: Package) -> str:
    prefix = package.prefix
    return f"""# {package.summary}
cmake_minimum_required(VERSION 3.13...4.0)
project({prefix} VERSION {package.version} LANGUAGES C)

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

add_library({prefix} STATIC src/{prefix}.c)
add_library(tinykd::{package.model} ALIAS {prefix})
target_include_directories({prefix} PUBLIC
  $<BUILD_INTERFACE:${{CMAKE_CURRENT_SOURCE_DIR}}/include> $<INSTALL_INTERFACE:${{CMAKE_INSTALL_INCLUDEDIR}}>)
set_target_properties({prefix} PROPERTIES
  C_STANDARD 99 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF EXPORT_NAME {package.model} PUBLIC_HEADER include/{prefix}.h)
target_compile_options({prefix} PRIVATE
  $<$<C_COMPILER_ID:GNU,Clang,AppleClang,ARMClang>:{";".join([*package.optimize, "-ffunction-sections", "-fdata-sections"])}>)

install(TARGETS {prefix} EXPORT {prefix}-config
  ARCHIVE DESTINATION ${{CMAKE_INSTALL_LIBDIR}} PUBLIC_HEADER DESTINATION ${{CMAKE_INSTALL_INCLUDEDIR}})
install(EXPORT {prefix}-config NAMESPACE tinykd:: DESTINATION ${{CMAKE_INSTALL_LIBDIR}}/cmake/{prefix})
write_basic_package_version_file({prefix}-config-version.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${{CMAKE_CURRENT_BINARY_DIR}}/{prefix}-config-version.cmake DESTINATION ${{CMAKE_INSTALL_LIBDIR}}/cmake/{prefix})

# The example is built where this project is the top one: in a bare-metal project a program for stdout would not link.
if(CMAKE_SOURCE_DIR STREQUAL CMAKE_CURRENT_SOURCE_DIR)
  enable_testing()
  add_subdirectory(example)
endif()
"""


def _example(package: Package) -> str:
    prefix = package.prefix
    return f"""add_executable({prefix}_example main.c)
set_target_properties({prefix}_example PROPERTIES C_STANDARD 99 C_STANDARD_REQUIRED ON)
target_link_libraries({prefix}_example PRIVATE tinykd::{package.model})
add_test(NAME {prefix}_golden_vectors COMMAND {prefix}_example)
"""


def _add(package: Package) -> str:
    return f"""As a folder of your project:

    add_subdirectory({package.prefix})
    target_link_libraries(firmware PRIVATE tinykd::{package.model})

Or installed (`cmake --install build --prefix ...`):

    find_package({package.prefix} {package.version} CONFIG REQUIRED)
    target_link_libraries(firmware PRIVATE tinykd::{package.model})
"""


_TRY = """    cmake -B build
    cmake --build build
    ctest --test-dir build --verbose
"""
