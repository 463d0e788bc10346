"""The run directory: one file per finished value, written atomically and keyed by the hash of its inputs."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tinykd.errors import ToolError, UsageError


def content_key(**inputs: Any) -> str:
    """SHA-256 (hex) over JSON-serialisable inputs; equal inputs give equal keys on every machine."""
    text = json.dumps(inputs, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def file_hash(path: Path) -> str:
    """SHA-256 (hex) of a file, or of every file below a folder with its relative name."""
    digest = hashlib.sha256()
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    for file in files:
        if path.is_dir():
            digest.update(file.relative_to(path).as_posix().encode() + b"\0")
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` so that `path` holds the old bytes or all the new ones, whatever kills the process.

    Raises:
        ToolError: the disk is full or the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            umask = os.umask(0)
            os.umask(umask)
            Path(name).chmod(0o666 & ~umask)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ToolError(f"cannot write {path}: {error.strerror or error}", "free disk space or choose another --out folder") from error


class RunDirectory:
    """A folder of stage results: `stages/NAME.json` records the key and the files' hashes of each finished stage.

    Args:
        root: The folder.
        siblings: Other runs; a stage that one of them finished with the same key is taken over instead of computed.
    """

    def __init__(self, root: Path, siblings: Iterable[Path] = ()) -> None:
        self.root = root
        self.siblings = tuple(siblings)

    def path(self, name: str) -> Path:
        """Where the file called `name` lives in this run."""
        return self.root / name

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out of this run; a killed process leaves no lock behind.

        Raises:
            UsageError: another process works in this run.
        """
        try:
            import fcntl
        except ImportError:  # Windows: no advisory locks, one process at a time is up to the user
            yield
            return
        if not self.path(".lock").exists():
            write_atomically(self.path(".lock"), b"")
        with self.path(".lock").open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UsageError(f"another process is working in {self.root}", "wait for it, or choose another --out folder") from None
            yield

    def write_json(self, name: str, value: Any) -> None:
        """Write `value` as indented JSON, atomically."""
        write_atomically(self.path(name), (json.dumps(value, indent=2, sort_keys=True) + "\n").encode())

    def read_json(self, name: str) -> dict[str, Any] | None:
        """The JSON object in the file called `name`; None if there is none, or it is damaged."""
        try:
            value = json.loads(self.path(name).read_text())
        except (OSError, ValueError):
            return None
        return value if isinstance(value, dict) else None

    def merge_json(self, name: str, section: str, value: Any) -> None:
        """Put `value` under `section` into the JSON object called `name` and leave its other sections as they are."""
        self.write_json(name, {**(self.read_json(name) or {}), section: value})

    def is_done(self, stage: str, key: str) -> bool:
        """True if `stage` finished with this key and each file it wrote is still the same."""
        record = self.record(stage)
        if record is None or record.get("key") != key:
            return False
        files: Mapping[str, str] = record.get("files", {})
        return all(self.path(name).exists() and file_hash(self.path(name)) == digest for name, digest in files.items())

    def record(self, stage: str) -> dict[str, Any] | None:
        """What `stage` wrote when it finished (`key`, `files`, `values`), or None."""
        return self.read_json(f"stages/{stage}.json")

    def finish(self, stage: str, key: str, files: Iterable[str] = (), values: Mapping[str, Any] | None = None) -> None:
        """Record that `stage` is complete, after its files are in place."""
        hashes = {name: file_hash(self.path(name)) for name in files}
        self.write_json(f"stages/{stage}.json", {"key": key, "files": hashes, "values": dict(values or {})})

    def once(self, stage: str, key: str, files: Iterable[str], compute: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """Run `compute` (which writes `files`) unless it already finished with `key`; return the stage's recorded values."""
        names = tuple(files)
        if not self.is_done(stage, key) and not self._taken_over(stage, key):
            self.finish(stage, key, names, compute())
        record = self.record(stage)
        assert record is not None
        values = record["values"]
        assert isinstance(values, dict)
        return values

    def _taken_over(self, stage: str, key: str) -> bool:
        """Whether a sibling had the stage's result, which is here now."""
        for sibling in map(RunDirectory, self.siblings):
            record = sibling.record(stage)
            if record is None or not sibling.is_done(stage, key):
                continue
            for name in record["files"]:
                write_atomically(self.path(name), sibling.path(name).read_bytes())
            self.write_json(f"stages/{stage}.json", record)
            return True
        return False
