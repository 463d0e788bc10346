"""The `distillation` section of `report.json` as text: five networks, one line each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LABELS = {
    "teacher": "teacher",
    "baseline": "baseline (labels only)",
    "student": "student (distilled)",
    "qat": "student, quantization-aware",
    "int8": "student, int8 integers",
}


def as_text(section: Mapping[str, Any]) -> str:
    """A table of accuracies (percent of the test split) and fidelity to the teacher.

    Args:
        section: As `tinykd.distill.report` describes it.
    """
    samples = section["samples"]
    lines = [
        f"{section['recipe']}, seed {section['seed']}: {samples['train']} training, {samples['validation']} validation, "
        f"{samples['test']} test samples, {section['classes']} classes",
        "",
        f"{'network':<29}{'test':>9}{'validation':>12}{'agrees':>10}{'KL, nats':>10}",
    ]
    for name, label in LABELS.items():
        accuracy = section["accuracy"][name]
        if accuracy is None:
            continue
        line = f"{label:<29}{100 * accuracy:>7.2f} %{100 * section['validation_accuracy'][name]:>10.2f} %"
        fidelity = section["fidelity"].get(name)
        if fidelity is not None:
            line += f"{100 * fidelity['agreement']:>8.2f} %{fidelity['predictive_kl']:>10.4f}"
        lines.append(line)
    teacher, student = section["parameters"]["teacher"], section["parameters"]["student"]
    lines += [
        "",
        f"parameters: student {student:,}" + (f", teacher {teacher:,}" if teacher is not None else ""),
        f"student_int8.tflite: {section['int8_model_bytes']:,} bytes",
        f"seconds: {', '.join(f'{name} {seconds:.0f}' for name, seconds in section['seconds'].items())}",
    ]
    return "\n".join(lines)
