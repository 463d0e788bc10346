"""Training curves on disk: CSV and JSONL for people and scripts, TensorBoard scalars.

All three are written from the checkpointed history, so a resumed run's logs have no gaps and no repeated epochs.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from tinykd.distill.checkpoint import EpochRecord
from tinykd.distill.keras_modules import tensorflow
from tinykd.run import RunDirectory, write_atomically


class TrainingLog:
    """`logs/STAGE.csv`, `logs/STAGE.jsonl` and `logs/tensorboard/STAGE/` of a run."""

    def __init__(self, run: RunDirectory, stage: str) -> None:
        self._run = run
        self._stage = stage
        self._writer = tensorflow().summary.create_file_writer(str(run.path(f"logs/tensorboard/{stage}")))

    def write(self, history: Sequence[EpochRecord]) -> None:
        """Bring the logs up to `history`; its last record is the new one."""
        table = io.StringIO()
        writer = csv.DictWriter(table, [field.name for field in fields(EpochRecord)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(record) for record in history)
        write_atomically(self._run.path(f"logs/{self._stage}.csv"), table.getvalue().encode())
        lines = "".join(json.dumps(asdict(record)) + "\n" for record in history)
        write_atomically(self._run.path(f"logs/{self._stage}.jsonl"), lines.encode())
        tf = tensorflow()
        record = history[-1]
        with self._writer.as_default(step=record.epoch):
            for name in ("loss", "validation_loss", "validation_accuracy", "learning_rate", "samples_per_second"):
                tf.summary.write(name, tf.constant(getattr(record, name), tf.float32), metadata=_scalar_plugin())

    def close(self) -> None:
        """Flush TensorBoard's file."""
        self._writer.close()


def _scalar_plugin() -> Any:
    """What marks a value as a scalar for TensorBoard; `tf.summary.scalar` would need TensorBoard itself to be installed."""
    metadata = tensorflow().compat.v1.SummaryMetadata
    return metadata(plugin_data=metadata.PluginData(plugin_name="scalars"))
