"""What a trained network is worth in one deployed form: accuracy, size, and where it is integers flash and RAM."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.compile.sketch.keras import from_keras
from tinykd.compile.sketch.lowering import program_of
from tinykd.deploy.export import export
from tinykd.deploy.firmware import measured
from tinykd.deploy.memory import memory_report
from tinykd.deploy.source import open_source
from tinykd.distill.evaluation import accuracy, agreement
from tinykd.distill.keras_files import load_keras
from tinykd.distill.pipeline import Pipeline
from tinykd.errors import ToolError, UnsupportedModel
from tinykd.quantize.integers import TfliteModel
from tinykd.quantize.post_training import dynamic_range_model, float_model, int8_model
from tinykd.recipe.model import Recipe
from tinykd.report.memory import Memory
from tinykd.run import content_key, file_hash, write_atomically
from tinykd.sizes import parse_size
from tinykd.study.treatments import Form

Logits = NDArray[np.float32]


@dataclass(frozen=True)
class Deployed:
    """One form of a run's student: its file and its outputs on validation and test, `[samples, classes]`."""

    file: str
    validation: Logits
    test: Logits


def float_form(pipeline: Pipeline) -> Deployed:
    """The student as it was trained; the file only says how large it is."""
    _converted(pipeline, "float", float_model)
    return Deployed("student_float.tflite", *_stored(pipeline, Path(pipeline.deployed).stem))


def dynamic_range_form(pipeline: Pipeline) -> Deployed:
    """See `tinykd.quantize.post_training`; answers are those of LiteRT's reference kernels."""
    return _converted_and_run(pipeline, "dynamic_range", dynamic_range_model)


def ptq_form(pipeline: Pipeline) -> Deployed:
    """See `tinykd.quantize.post_training`; calibrated as the recipe's quantization-aware training is."""
    return _converted_and_run(pipeline, "ptq", lambda model: int8_model(model, pipeline.calibration()))


def qat_form(pipeline: Pipeline) -> Deployed:
    """The run's own int8 student."""
    return Deployed("student_int8.tflite", *_stored(pipeline, "int8"))


MEASURED: Mapping[Form, Callable[[Pipeline], Deployed]] = {
    "float": float_form,
    "dynamic_range": dynamic_range_form,
    "ptq": ptq_form,
    "qat": qat_form,
}

INTEGERS: tuple[Form, ...] = ("ptq", "qat")
"""Forms that the compiler takes."""


def measure(pipeline: Pipeline, form: Form) -> dict[str, Any]:
    """The columns of a row that depend on the form, of a run whose student, and for `qat` int8 student, is done."""
    deployed = MEASURED[form](pipeline)
    path, data = pipeline.run.path(deployed.file), pipeline.data
    teacher = pipeline.teaching.outputs().test
    memory = _memory(path, pipeline.recipe) if form in INTEGERS else None
    return {
        "accuracy_float": accuracy(_stored(pipeline, Path(pipeline.deployed).stem)[1], data.test.y),
        "accuracy": accuracy(deployed.test, data.test.y),
        "validation_accuracy": accuracy(deployed.validation, data.validation.y),
        "teacher_accuracy": accuracy(teacher, data.test.y),
        "agreement": agreement(teacher, deployed.test),
        "macs": memory.macs if memory else _macs(pipeline),
        "model_bytes": path.stat().st_size,
        "weights_bytes": memory.weights_bytes if memory else None,
        "flash_bytes": memory.flash_bytes if memory and memory.toolchain else None,
        "arena_bytes": memory.arena_bytes if memory else None,
        "ram_bytes": memory.ram_bytes if memory and memory.toolchain else None,
        "target": memory.target if memory else None,
        "model_sha256": file_hash(path),
    }


def _converted(pipeline: Pipeline, form: str, convert: Callable[[Any], bytes]) -> str:
    """The file of a form, written once; returns its name."""
    name = f"student_{form}.tflite"
    student = pipeline.run.path(pipeline.deployed)
    calibration = pipeline.recipe.quantize.calibration_samples
    key = content_key(
        stage=form, student=file_hash(student), data=pipeline.data.content_hash, calibration=[calibration, pipeline.recipe.seed]
    )

    def compute() -> Mapping[str, Any]:
        pipeline.progress.note(f"{form}: converting")
        write_atomically(pipeline.run.path(name), convert(load_keras(student)))
        return {}

    pipeline.run.once(form, key, (name,), compute)
    return name


def _converted_and_run(pipeline: Pipeline, form: str, convert: Callable[[Any], bytes]) -> Deployed:
    name = _converted(pipeline, form, convert)
    data = pipeline.data
    key = content_key(stage=f"{form} outputs", model=file_hash(pipeline.run.path(name)), data=data.content_hash)

    def compute() -> Mapping[str, Any]:
        pipeline.progress.note(f"{form}: evaluating with LiteRT's reference kernels")
        model = TfliteModel(pipeline.run.path(name).read_bytes())
        pipeline.stages.write_npz(f"predictions/{form}.npz", model.real_outputs(data.validation.x), model.real_outputs(data.test.x))
        return {}

    pipeline.run.once(f"{form}_outputs", key, (f"predictions/{form}.npz",), compute)
    return Deployed(name, *_stored(pipeline, form))


def _stored(pipeline: Pipeline, network: str) -> tuple[Logits, Logits]:
    with np.load(pipeline.run.path(f"predictions/{network}.npz"), allow_pickle=False) as archive:
        return archive["validation"], archive["test"]


def _memory(model: Path, recipe: Recipe) -> Memory:
    """Of the linked firmware; without a compiler what the plan alone says."""
    source = replace(open_source(model, recipe.name), flash_bytes=parse_size(recipe.budget.flash), ram_bytes=parse_size(recipe.budget.ram))
    with tempfile.TemporaryDirectory() as folder:
        exported = export(source, recipe.export, Path(folder) / "export")
        try:
            return measured(exported)[0]
        except ToolError:
            return memory_report(exported, None)


def _macs(pipeline: Pipeline) -> int | None:
    """Of the float network, as its int8 form would count them."""
    try:
        return program_of(from_keras(load_keras(pipeline.run.path(pipeline.deployed))), ()).macs
    except UnsupportedModel:
        return None
