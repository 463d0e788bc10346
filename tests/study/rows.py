"""Rows of results with made-up figures."""

from __future__ import annotations

from typing import Any

from tinykd.study.rows import Row


def row(point: str = "net", treatment: str = "plain", seed: int = 0, accuracy: float = 0.5, **changes: Any) -> Row:
    """A row whose other columns do not matter to the test."""
    values: dict[str, Any] = {
        "point": point, "group": "", "treatment": treatment, "training": "plain", "form": "float", "seed": seed,
        "accuracy_float": accuracy, "accuracy": accuracy, "validation_accuracy": accuracy, "teacher_accuracy": 0.9, "agreement": 0.4,
        "parameters": 10, "macs": 20, "model_bytes": 3000, "weights_bytes": None, "flash_bytes": None, "arena_bytes": None,
        "ram_bytes": None, "target": None, "seconds": 1.5, "model_sha256": "0" * 64,
    }  # fmt: skip
    return Row.model_validate({**values, **changes})
