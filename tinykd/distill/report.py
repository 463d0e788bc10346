"""The `distillation` section of `report.json`: what each network is worth, how faithful it is, and where it came from.

Keys of the section:

    recipe, seed, command        how to make it again
    samples                      {train, validation, test}
    classes, class_names
    accuracy                     {teacher, baseline, student, pruned, qat, int8}: fractions of the test split; baseline, pruned may be null
    validation_accuracy          the same six on validation, by which choices are made
    fidelity                     {baseline, student, pruned, qat, int8}: {agreement, predictive_kl} with the teacher, test split
    parameters                   {teacher, student}, the pruned student's where there is one; teacher is null if its file does not say
    int8_model_bytes             size of student_int8.tflite
    seconds                      wall-clock of each stage, of the process that finished it
    training                     {stage: {epochs, best_epoch, training_seconds}}
    netaug                       null, or {steps, augmented_steps, plain_milliseconds, augmented_milliseconds}: what augmentation cost
    hashes                       SHA-256: data, teacher, student, int8
    versions                     of the packages that trained
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd import __version__
from tinykd.compile.reader import read_file
from tinykd.compile.weight_storage import bias_bytes, stored_weights
from tinykd.distill.evaluation import accuracy, agreement, predictive_kl
from tinykd.distill.pipeline import Pipeline
from tinykd.run import file_hash

NETWORKS = ("teacher", "baseline", "student", "pruned", "qat", "int8")
STAGES = {"baseline": "baseline", "pruned": "prune"}
"""Networks that not every recipe has, and the stage that gives them."""
PACKAGES = ("tensorflow", "keras", "tf_keras", "tensorflow-model-optimization", "numpy", "ai-edge-litert")


def distillation_section(pipeline: Pipeline, stages: Mapping[str, Mapping[str, Any] | None], command: str) -> dict[str, Any]:
    """The section, from the finished stages of `pipeline` (name -> values) and the command that ran them."""
    run, data = pipeline.run, pipeline.data
    outputs = pipeline.teaching.outputs()
    test: dict[str, NDArray[np.float32]] = {"teacher": outputs.test}
    validation: dict[str, NDArray[np.float32]] = {"teacher": outputs.validation}
    for name in NETWORKS[1:]:
        if name in STAGES and stages[STAGES[name]] is None:
            continue
        with np.load(run.path(f"predictions/{name}.npz"), allow_pickle=False) as archive:
            validation[name], test[name] = archive["validation"], archive["test"]
    done = {name: values for name, values in stages.items() if values is not None}
    return {
        "recipe": pipeline.recipe.name,
        "seed": pipeline.recipe.seed,
        "command": command,
        "samples": {"train": len(data.train.y), "validation": len(data.validation.y), "test": len(data.test.y)},
        "classes": data.classes,
        "class_names": list(data.class_names),
        "accuracy": {name: accuracy(test[name], data.test.y) if name in test else None for name in NETWORKS},
        "validation_accuracy": {name: accuracy(validation[name], data.validation.y) if name in test else None for name in NETWORKS},
        "fidelity": {
            name: {"agreement": agreement(outputs.test, test[name]), "predictive_kl": predictive_kl(outputs.test, test[name])}
            for name in NETWORKS[1:]
            if name in test
        },
        "parameters": {"teacher": done["teacher"]["parameters"], "student": done.get("prune", done["student"])["parameters"]},
        "int8_model_bytes": run.path("student_int8.tflite").stat().st_size,
        "seconds": {name: values["seconds"] for name, values in done.items()},
        "training": {
            name: {key: values[key] for key in ("epochs", "best_epoch", "training_seconds")}
            for name, values in done.items()
            if "epochs" in values
        },
        "netaug": done["student"].get("netaug"),
        "hashes": {
            "data": data.content_hash,
            "teacher": pipeline.teaching.digest,
            "student": file_hash(run.path("student.keras")),
            "int8": file_hash(run.path("student_int8.tflite")),
        },
        "versions": {"tinykd": __version__, **{name: _version(name) for name in PACKAGES}},
    }


def weights_section(model: Path) -> dict[str, Any]:
    """The section `weights` of `report.json`: what the weights of an int8 model take, and what is in them."""
    graph = read_file(model)
    return {"layers": [asdict(one) for one in stored_weights(graph)], "bias_bytes": bias_bytes(graph)}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
