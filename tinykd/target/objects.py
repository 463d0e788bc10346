"""Objects that were compiled before, by the contents of all that went into them."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

_PARTS = (".su", ".o")
"""What a compilation leaves: from most compilers the stack frames, and the object. It counts as kept once the last is in place."""

_MOST_KEPT = 16
"""Objects kept of one source: targets, toolchains, and texts that come back."""


@dataclass(frozen=True)
class ObjectStore:
    """A folder of objects.

    Attributes:
        toolchain: name and version of the compiler.
        headers: digest of every file that a source may include, from `digest`.
    """

    folder: Path
    toolchain: str
    headers: bytes

    def key(self, source: Path, text: bytes, command: Sequence[str]) -> str:
        """The name of the object that `command` makes of `source` with this text. The command must not say where the object goes."""
        whole = hashlib.sha256(self.headers)
        for part in (self.toolchain.encode(), *(word.encode() for word in command), text):
            whole.update(len(part).to_bytes(8, "little") + part)
        return f"{source.stem}-{whole.hexdigest()}"

    def restore(self, key: str, output: Path) -> bool:
        """Put the object called `key` at `output`, with its stack frames. False if there is none."""
        if not (self.folder / f"{key}.o").exists():
            return False
        for suffix in _PARTS:
            kept, wanted = self.folder / f"{key}{suffix}", output.with_suffix(suffix)
            wanted.unlink(missing_ok=True)
            if kept.exists():
                shutil.copyfile(kept, wanted)
        return True

    def keep(self, key: str, output: Path) -> None:
        """Remember the object at `output`, and forget the oldest of its source."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for suffix in _PARTS:
            part = output.with_suffix(suffix)
            if part.exists():
                fresh = self.folder / f"{key}{suffix}.{os.getpid()}"
                shutil.copyfile(part, fresh)
                fresh.replace(self.folder / f"{key}{suffix}")
        stem = key.rsplit("-", 1)[0]
        kept = sorted(self.folder.glob(f"{stem}-{'?' * 64}.o"), key=lambda path: path.stat().st_mtime_ns)
        for path in kept[:-_MOST_KEPT]:
            for suffix in reversed(_PARTS):
                path.with_suffix(suffix).unlink(missing_ok=True)


def digest(root: Path, paths: Iterable[Path]) -> bytes:
    """One hash of the names, relative to `root`, and contents of files."""
    whole = hashlib.sha256()
    for path in sorted(paths):
        contents = path.read_bytes()
        whole.update(path.relative_to(root).as_posix().encode() + b"\0" + len(contents).to_bytes(8, "little") + contents)
    return whole.digest()
