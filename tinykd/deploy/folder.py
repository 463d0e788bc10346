"""A folder that belongs to tinykd: what is in it is listed, so that the next export removes what it left and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from tinykd.errors import ToolError, UsageError
from tinykd.run import write_atomically


def check_folder(folder: Path, listed: str) -> None:
    """Refuse a folder with files that are not an export.

    Args:
        listed: name of the file in it that lists what was written.

    Raises:
        UsageError: files lie there, or `folder` is a file.
    """
    if folder.is_dir() and any(folder.iterdir()) and not (folder / listed).exists():
        raise UsageError(f"{folder} holds files that are not an export", "choose another folder with --out")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file", "choose another folder with --out")


def write_folder(folder: Path, files: Mapping[str, bytes], listed: str, manifest: Mapping[str, object]) -> None:
    """Write the files by path, remove what an earlier export left, and record the list last.

    Raises:
        ToolError: the disk is full or the folder cannot be written.
    """
    record = folder / listed
    try:
        earlier = set(json.loads(record.read_text())["files"]) if record.exists() else set()
    except (OSError, ValueError, KeyError, TypeError):
        earlier = set()
    if not record.exists():
        write_atomically(record, b'{"files": []}\n')
    try:
        for path, data in files.items():
            target = folder / path
            # an interrupted export is exported again, so these files need no fsync; unchanged ones keep their time for make
            if not target.exists() or target.read_bytes() != data:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
        for path in earlier - set(files):
            stale = folder / path
            if stale.resolve().is_relative_to(folder.resolve()):
                stale.unlink(missing_ok=True)
    except OSError as error:
        raise ToolError(f"cannot write to {folder}: {error.strerror or error}", "free disk space or choose another --out folder") from error
    write_atomically(record, (json.dumps({**manifest, "files": sorted(files)}, indent=2) + "\n").encode())
