"""Schemes whose student learns from other inputs than the training split, labelled by the teacher."""

from __future__ import annotations

import io
from abc import abstractmethod
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tinykd.data import Split
from tinykd.distill.schemes.scheme import Scheme
from tinykd.distill.stages import Stages, Values, dump
from tinykd.run import content_key, file_hash, write_atomically

#: Where the inputs and their labels lie.
INPUTS = "inputs.npz"


class OnInputs(Scheme):
    """A stage `inputs` between `teacher` and `student` makes what the student, batch norm and quantization see instead of data."""

    @abstractmethod
    def inputs(self) -> NDArray[np.float32]:
        """`[samples, ...]`, in the form of the data's inputs."""

    @property
    def inputs_depend_on(self) -> dict[str, str]:
        """Beside scheme, teacher and data."""
        return {}

    def targets(self, x: NDArray[np.float32]) -> NDArray[np.int64]:
        """Labels of the inputs: the teacher's."""
        labels: NDArray[np.int64] = self.teaching.network.logits(x).argmax(axis=1).astype(np.int64)
        return labels

    @cached_property
    def learning(self) -> Stages:
        """On these inputs; validation and test stay the data's."""
        key = self.stages.key("inputs", scheme=dump(self.section), teacher=self.teaching.digest, **self.inputs_depend_on)

        def compute() -> Values:
            x = self.inputs()
            buffer = io.BytesIO()
            np.savez(buffer, x=x, y=self.targets(x))
            write_atomically(self.run.path(INPUTS), buffer.getvalue())
            return {"samples": len(x)}

        self.stages.once("inputs", key, (INPUTS,), compute)
        with np.load(self.run.path(INPUTS), allow_pickle=False) as archive:
            train = Split(archive["x"], archive["y"])
        digest = content_key(data=self.data.content_hash, inputs=file_hash(self.run.path(INPUTS)))
        return replace(self.stages, data=replace(self.data, train=train, content_hash=digest))
