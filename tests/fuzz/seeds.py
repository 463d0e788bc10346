"""Undamaged models to start from: one of each operator of the table, a network, and the models of TINYKD_CONFORMANCE."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from tests.compile.models import conv_then_dense_bytes
from tests.fuzz.chains import random_graph
from tinykd.compile.ops import OPERATORS
from tinykd.compile.writer import write_model

LARGEST_BYTES = 60_000
"""Larger models only make each mutation slower; what they hold besides weights is in the smaller ones too."""


def seed_models() -> dict[str, bytes]:
    """Models by name, in a fixed order."""
    found = {"small": conv_then_dense_bytes()}
    for kind, row in OPERATORS.items():
        found[kind] = write_model(row.cases(np.random.default_rng([7, row.code])).graph)
    for seed in range(20):
        found[f"chain {seed}"] = write_model(random_graph(seed).graph)
    folder = os.environ.get("TINYKD_CONFORMANCE")
    for path in sorted(Path(folder).glob("*.tflite")) if folder else []:
        if path.stat().st_size <= LARGEST_BYTES:
            found[path.stem] = path.read_bytes()
    return found
