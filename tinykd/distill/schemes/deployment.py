"""Which of several trained networks is deployed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tinykd.distill.evaluation import accuracy, cross_entropy, predictor
from tinykd.distill.keras_files import load_keras
from tinykd.distill.stages import Values
from tinykd.run import file_hash

if TYPE_CHECKING:
    from tinykd.distill.schemes.scheme import Scheme


def deployed(scheme: Scheme, candidates: Sequence[str]) -> Values:
    """The stage `student`: the candidate that is best on validation, by accuracy and then by loss, becomes `student.keras`.

    Args:
        scheme: Whose stage `teacher` trained the candidates, together.
        candidates: `.keras` files of the run, of the student's architecture.
    """
    from tinykd.distill.schemes.scheme import STUDENT_FILES

    stages = scheme.stages
    digests = [file_hash(scheme.run.path(name)) for name in candidates]
    key = stages.key("student", candidates=digests, outputs=scheme.tutor.outputs_key)

    def compute() -> Values:
        models = [load_keras(scheme.run.path(name)) for name in candidates]
        split = stages.data.validation
        logits = [predictor(model)(split.x) for model in models]
        best = max(range(len(models)), key=lambda one: (accuracy(logits[one], split.y), -cross_entropy(logits[one], split.y)))
        stages.progress.note(f"student: {candidates[best]}, best of {len(candidates)} on validation")
        stages.save(models[best], "student")
        scheme.keep_helpers(models[best])
        record = scheme.run.record("teacher")
        assert record is not None
        values = record["values"]
        return {**values, "parameters": int(models[best].count_params()), "training_seconds": 0.0, "deployed": candidates[best]}

    return stages.once("student", key, STUDENT_FILES, compute)
