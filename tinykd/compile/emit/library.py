"""The kernel library as text."""

from __future__ import annotations

from tinykd.resources import firmware_folder


def kernel_library() -> dict[str, str]:
    """Every kernel and public header by path below the firmware folder: `kernels/conv_2d.c`, `include/tinykd/window.h`."""
    root = firmware_folder()
    files = [*root.glob("kernels/**/*.c"), *root.glob("include/tinykd/*.h")]
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in sorted(files)}
