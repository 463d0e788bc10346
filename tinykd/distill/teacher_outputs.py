"""The teacher's outputs, computed once, memory-mapped, shared by every run that needs the same ones.

One array a store: the logits, or one layer's features. A store is named by a hash of everything that it depends on: teacher,
data, preprocessing, augmentation, seed and number of views, layer, form. Another teacher or another view is another store, so
what is read is never stale. A store becomes visible by one rename, when it is complete, and its files' hashes are checked when
it is opened: a damaged one is filled again. Of two processes that need the same store one fills it while the other waits.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.distill.stored_array import Form, StoredArray, Writer
from tinykd.distill.tap import LOGITS
from tinykd.errors import ToolError
from tinykd.run import content_key, file_hash

Logits = NDArray[np.float32]
Inputs = NDArray[np.float32]
Reader = Callable[[Inputs], Mapping[str, NDArray[np.float32]]]
"""Inputs [samples, ...] -> outputs by name: `logits`, layers."""

#: Samples that the teacher sees at once, and that are in memory with all their features.
CHUNK_SAMPLES = 512


@dataclass(frozen=True)
class TeacherOutputs:
    """A teacher's outputs.

    Attributes:
        train: By name; `[views, samples, ...]`, one view where nothing is augmented, none for a teacher that runs live.
        validation: Logits `[samples, classes]` of plain samples.
        test: Logits `[samples, classes]` of plain samples.
    """

    train: Mapping[str, StoredArray]
    validation: Logits
    test: Logits


@dataclass(frozen=True)
class Source:
    """What fills stores.

    Attributes:
        reader: For names, what computes them.
        views: Training inputs `[samples, ...]` of each view, made when asked for.
        validation, test: Plain inputs.
    """

    reader: Callable[[tuple[str, ...]], Reader]
    views: Sequence[Callable[[], Inputs]]
    validation: Inputs
    test: Inputs


def open_stores(root: Path, made_of: Mapping[str, Any], layers: Sequence[str], form: Form, source: Callable[[], Source]) -> TeacherOutputs:
    """Logits and the features of `layers` from the stores below `root`, filled first where they are not there and intact.

    Args:
        root: Folder of stores.
        made_of: Everything that the outputs depend on, JSON-serialisable.
        layers: Names, beside the logits.
        form: How training outputs lie on disk.
        source: Called only if a store must be filled; the teacher then runs once for all that is missing.

    Raises:
        ToolError: the disk is full.
    """
    folders = {name: root / store_key(made_of, name, form)[:24] for name in (LOGITS, *layers)}
    keys = {name: store_key(made_of, name, form) for name in folders}
    if any(not _intact(folders[name], keys[name]) for name in folders):
        with _filling(root):
            missing = tuple(name for name in folders if not _intact(folders[name], keys[name]))
            if missing:
                _fill(root, missing, folders, keys, made_of, form, source())
    logits = folders[LOGITS]
    return TeacherOutputs(
        {name: form_of(name, form).read(folder, "train") for name, folder in folders.items()},
        np.load(logits / "validation.npy", mmap_mode="r", allow_pickle=False),
        np.load(logits / "test.npy", mmap_mode="r", allow_pickle=False),
    )


def store_key(made_of: Mapping[str, Any], name: str, form: Form) -> str:
    """Names the store of one array."""
    return content_key(made_of=made_of, name=name, form=form_of(name, form).described())


def form_of(name: str, form: Form) -> Form:
    """The form of one array: only logits keep their largest values alone."""
    return form if name == LOGITS else Form(form.dtype)


def _intact(folder: Path, key: str) -> bool:
    try:
        index = json.loads((folder / "index.json").read_text())
        return bool(index["key"] == key) and all(file_hash(folder / name) == digest for name, digest in index["files"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


@contextlib.contextmanager
def _filling(root: Path) -> Iterator[None]:
    """One process at a time fills stores below `root`; a killed one leaves no lock behind."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = (root / ".lock").open("wb")
    except OSError as error:
        raise ToolError(f"cannot store teacher outputs in {root}: {error.strerror or error}", "choose another --out folder") from error
    with lock:
        with contextlib.suppress(ImportError):  # Windows has no such lock; there the last of two equal stores wins
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fill(
    root: Path,
    names: tuple[str, ...],
    folders: Mapping[str, Path],
    keys: Mapping[str, str],
    made_of: Mapping[str, Any],
    form: Form,
    source: Source,
) -> None:
    try:
        with ExitStack() as cleanup:
            scratch = {name: Path(tempfile.mkdtemp(dir=root, prefix=".filling-")) for name in names}
            for folder in scratch.values():
                cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
            reader = source.reader(tuple(name for name in names if name != LOGITS))
            _write_views(scratch, form, source.views, reader, source.validation)
            if LOGITS in names:
                for split, x in (("validation", source.validation), ("test", source.test)):
                    np.save(
                        scratch[LOGITS] / f"{split}.npy",
                        np.concatenate([chunk[LOGITS] for chunk in _chunks(reader, x)]),
                        allow_pickle=False,
                    )
            for name in names:
                _publish(scratch[name], folders[name], keys[name], {"name": name, "form": form_of(name, form).described(), **made_of})
    except OSError as error:
        raise ToolError(f"cannot store teacher outputs in {root}: {error.strerror or error}", "free disk space") from error


def _write_views(scratch: Mapping[str, Path], form: Form, views: Sequence[Callable[[], Inputs]], reader: Reader, plain: Inputs) -> None:
    """`[views, samples, ...]` of each array, a chunk of samples at a time in memory."""
    shapes = {name: array.shape[1:] for name, array in reader(plain[:1]).items()}
    writers: dict[str, Writer] = {}
    for view, inputs in enumerate(views):
        x = inputs()
        if not writers:
            writers = {
                name: form_of(name, form).create(folder, "train", (len(views), len(x), *shapes[name])) for name, folder in scratch.items()
            }
        for start in range(0, len(x), CHUNK_SAMPLES):
            outputs = reader(x[start : start + CHUNK_SAMPLES])
            for name, writer in writers.items():
                writer.write(view, start, outputs[name])
    if not views:
        writers = {name: form_of(name, form).create(folder, "train", (0, 0, *shapes[name])) for name, folder in scratch.items()}
    for writer in writers.values():
        writer.flush()


def read_all(reader: Reader, x: Inputs) -> dict[str, NDArray[np.float32]]:
    """Every output of `x` in memory, by name."""
    chunks = list(_chunks(reader, x))
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}


def _chunks(reader: Reader, x: Inputs) -> Iterator[Mapping[str, NDArray[np.float32]]]:
    return (reader(x[start : start + CHUNK_SAMPLES]) for start in range(0, len(x), CHUNK_SAMPLES))


def _publish(scratch: Path, folder: Path, key: str, made_of: Mapping[str, Any]) -> None:
    """Give a complete store its name; what is there, damaged, goes away."""
    files = {path.name: file_hash(path) for path in sorted(scratch.iterdir())}
    (scratch / "index.json").write_text(json.dumps({"format": 1, "key": key, "made_of": made_of, "files": files}, indent=2))
    for path in scratch.iterdir():
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
    if folder.exists() and not _intact(folder, key):
        shutil.rmtree(folder)
    try:
        scratch.rename(folder)
    except OSError:
        if not _intact(folder, key):
            raise
