"""How many copies of a model train on parts of the same batch."""

from __future__ import annotations

from tinykd.distill.keras_modules import keras


def replicas() -> int:
    """Replicas of `tf.distribute`'s current strategy; 1 without one, and on other backends than TensorFlow."""
    if keras().backend.backend() != "tensorflow":
        return 1
    from tinykd.distill.keras_modules import tensorflow

    return int(tensorflow().distribute.get_strategy().num_replicas_in_sync)
