"""Seeding what draws from global generators: Keras's weight initializers."""

from __future__ import annotations

import zlib

from tinykd.distill.keras_modules import keras


def seed_everything(seed: int, purpose: str) -> None:
    """Seed Python's, NumPy's and TensorFlow's global generators from the run's seed and a purpose."""
    keras().utils.set_random_seed(zlib.crc32(f"{seed} {purpose}".encode()))
