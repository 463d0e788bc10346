"""`.keras` files written atomically and reproducibly: equal models give equal bytes."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from tinykd.distill.keras_modules import keras as _keras
from tinykd.run import write_atomically

_EPOCH = (1980, 1, 1, 0, 0, 0)


def save_keras(model: Any, path: Path) -> None:
    """Write a Keras 3 model without its optimizer. The archive's dates are fixed, so that equal models give equal files."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder) / "model.keras"
        model.save(scratch, include_optimizer=False)
        write_atomically(path, _undated(scratch.read_bytes()))


def load_keras(path: Path) -> Any:
    """Read a model that `save_keras` wrote; code inside the file is refused (`safe_mode`)."""
    return _keras().models.load_model(path, compile=False, safe_mode=True)


def _undated(archive: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as new:
        for name in sorted(old.namelist()):
            data = old.read(name)
            if name == "metadata.json":
                metadata = json.loads(data)
                metadata.pop("date_saved", None)
                data = json.dumps(metadata, sort_keys=True).encode()
            elif name == "config.json":
                data = json.dumps(_renumbered(json.loads(data), {})).encode()
            new.writestr(zipfile.ZipInfo(name, _EPOCH), data)
    return out.getvalue()


def _renumbered(config: Any, numbers: dict[int, int]) -> Any:
    """`config` with shared objects numbered in order of appearance: Keras takes their addresses in memory."""
    if isinstance(config, dict):
        return {
            key: numbers.setdefault(value, len(numbers)) if key == "shared_object_id" else _renumbered(value, numbers)
            for key, value in config.items()
        }
    if isinstance(config, list):
        return [_renumbered(value, numbers) for value in config]
    return config
