"""The whole report of a run: what the networks are worth, what the image costs, what was proven."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tinykd.errors import UsageError
from tinykd.report.distillation import Distillation, as_text
from tinykd.report.memory import Memory
from tinykd.report.profile import Profile, profile_text
from tinykd.report.pruning import Pruning, pruning_text
from tinykd.report.quantization_error import QuantizationError, quantization_error_text
from tinykd.report.text import memory_markdown, memory_text
from tinykd.report.verification import Verification, verification_text
from tinykd.report.weight_storage import WeightStorage, weight_storage_text

FILE = "report.json"


class RunReport(BaseModel):
    """`report.json` of a run; each section is there once its command has finished."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    distillation: Distillation | None = Field(None, description="accuracy, fidelity and provenance, from tinykd distill")
    pruning: Pruning | None = Field(None, description="sizes and accuracy before and after pruning, from tinykd distill")
    quantization_error: QuantizationError | None = Field(None, description="signal to noise of every layer, from tinykd distill")
    weights: WeightStorage | None = Field(None, description="bytes of the int8 model's weights, layer by layer, from tinykd distill")
    memory: Memory | None = Field(None, description="flash and RAM, from tinykd export")
    verification: Verification | None = Field(None, description="the proof, from tinykd verify")
    profile: Profile | None = Field(None, description="instructions of every layer, from tinykd profile")


def open_report(path: Path) -> RunReport:
    """The report of a run directory, of an exported folder, or a `report.json`.

    Raises:
        UsageError: there is none, or it is damaged.
    """
    if path.suffix == ".tflite":
        raise UsageError(f"{path} is a model, not a run", f"make a report of it: tinykd export {path}")
    try:
        if path.is_dir() and not (path / FILE).exists():
            return _of_export(path)
        return RunReport.model_validate_json((path / FILE if path.is_dir() else path).read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read a report at {path}: {error.strerror or error}", "name a run directory or its report.json") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "JSON"
        raise UsageError(f"the report at {path} is damaged: {place}: {first['msg']}", "export and verify again") from error


def _of_export(folder: Path) -> RunReport:
    memory, proof, profile = (folder / "report" / f"{name}.json" for name in ("memory", "verification", "profile"))
    if not memory.exists():
        raise UsageError(f"{folder} holds no report", "make one: tinykd distill, tinykd export, tinykd verify")
    return RunReport(
        distillation=None,
        pruning=None,
        weights=None,
        quantization_error=None,
        memory=Memory.model_validate_json(memory.read_text()),
        verification=Verification.model_validate_json(proof.read_text()) if proof.exists() else None,
        profile=Profile.model_validate_json(profile.read_text()) if profile.exists() else None,
    )


def report_text(report: RunReport) -> str:
    """All sections as plain text."""
    parts = []
    if report.distillation is not None:
        parts.append(as_text(report.distillation) + "\n")
    if report.pruning is not None:
        parts.append(pruning_text(report.pruning))
    if report.quantization_error is not None:
        parts.append(quantization_error_text(report.quantization_error))
    if report.weights is not None and (text := weight_storage_text(report.weights)):
        parts.append(text)
    if report.memory is not None:
        parts.append(memory_text(report.memory))
    if report.verification is not None:
        parts.append(verification_text(report.verification))
    if report.profile is not None:
        parts.append(profile_text(report.profile))
    return "\n".join(parts)


def report_markdown(report: RunReport) -> str:
    """All sections as Markdown."""
    parts = []
    if report.distillation is not None:
        parts.append(f"# Accuracy\n\n```\n{as_text(report.distillation)}\n```\n")
    if report.pruning is not None:
        parts.append(f"# Pruning\n\n```\n{pruning_text(report.pruning)}```\n")
    if report.quantization_error is not None:
        parts.append(f"# Quantization error\n\n```\n{quantization_error_text(report.quantization_error)}```\n")
    if report.weights is not None and (text := weight_storage_text(report.weights)):
        parts.append(f"# Weights\n\n```\n{text}```\n")
    if report.memory is not None:
        parts.append(memory_markdown(report.memory))
    if report.verification is not None:
        parts.append(f"# Proof\n\n```\n{verification_text(report.verification)}```\n")
    if report.profile is not None:
        parts.append(f"# Instructions\n\n```\n{profile_text(report.profile)}```\n")
    return "\n".join(parts)
