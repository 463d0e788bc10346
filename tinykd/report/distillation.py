"""What the networks of a run are worth: five accuracies, faithfulness to the teacher, and where everything came from."""

from __future__ import annotations

from pydantic import Field

from tinykd.recipe.section import Section

LABELS = {
    "teacher": "teacher",
    "baseline": "baseline (labels only)",
    "student": "student (distilled)",
    "pruned": "student, pruned",
    "qat": "student, quantization-aware",
    "int8": "student, int8 integers",
}


class Samples(Section):
    """Samples of each split."""

    train: int
    validation: int
    test: int


class Accuracy(Section):
    """Top-1 accuracy as a fraction; baseline and pruned are null where the recipe does without."""

    teacher: float
    baseline: float | None
    student: float
    pruned: float | None = None
    qat: float
    int8: float


class Fidelity(Section):
    """How far a network answers as the teacher does, on the test split."""

    agreement: float = Field(description="fraction of samples with the teacher's top-1 class")
    predictive_kl: float = Field(description="mean KL(teacher || network), nats")


class Parameters(Section):
    """Trainable and other parameters; the teacher's are null where its file does not say."""

    student: int
    teacher: int | None


class Schedule(Section):
    """One training."""

    epochs: int
    best_epoch: int = Field(description="by validation accuracy")
    training_seconds: float = Field(description="over all processes that took part")


class NetworkAugmentation(Section):
    """What training the student inside a wider network cost. Milliseconds are medians of the process that finished."""

    steps: int = Field(description="of the student's training")
    augmented_steps: int = Field(description="those that also trained a drawn wider network")
    plain_milliseconds: float | None = Field(description="of a plain step; null where it took none")
    augmented_milliseconds: float | None = Field(description="of an augmented step")

    def __str__(self) -> str:
        text = f"{self.augmented_steps:,} of {self.steps:,} steps augmented"
        if self.augmented_milliseconds is not None:
            text += f", {self.augmented_milliseconds:.1f} ms each"
        if self.augmented_milliseconds is not None and self.plain_milliseconds:
            text += (
                f" beside {self.plain_milliseconds:.1f} ms of a plain one ({self.augmented_milliseconds / self.plain_milliseconds:.1f} x)"
            )
        return text


class Distillation(Section):
    """The section `distillation` of report.json, written by `tinykd distill`."""

    recipe: str
    seed: int
    command: str = Field(description="makes the same result again")
    samples: Samples
    classes: int
    class_names: tuple[str, ...]
    accuracy: Accuracy = Field(description="on the test split")
    validation_accuracy: Accuracy = Field(description="on the validation split, by which choices are made")
    fidelity: dict[str, Fidelity] = Field(description="baseline, student, pruned, qat, int8")
    parameters: Parameters
    int8_model_bytes: int
    seconds: dict[str, float] = Field(description="of each stage, in the process that finished it")
    training: dict[str, Schedule]
    netaug: NetworkAugmentation | None = Field(None, description="null without network augmentation")
    hashes: dict[str, str] = Field(description="SHA-256 of data, teacher, student and int8 model")
    versions: dict[str, str | None]


def as_text(d: Distillation) -> str:
    """A table of accuracies (percent) and fidelity to the teacher."""
    lines = [
        f"{d.recipe}, seed {d.seed}: {d.samples.train} training, {d.samples.validation} validation, {d.samples.test} test samples, "
        f"{d.classes} classes",
        "",
        f"{'network':<29}{'test':>9}{'validation':>12}{'agrees':>10}{'KL, nats':>10}",
    ]
    test, validation = d.accuracy.model_dump(), d.validation_accuracy.model_dump()
    for name, label in LABELS.items():
        if test[name] is None:
            continue
        line = f"{label:<29}{100 * test[name]:>7.2f} %{100 * validation[name]:>10.2f} %"
        if name in d.fidelity:
            line += f"{100 * d.fidelity[name].agreement:>8.2f} %{d.fidelity[name].predictive_kl:>10.4f}"
        lines.append(line)
    lines += [
        "",
        f"parameters: student {d.parameters.student:,}"
        + (f", teacher {d.parameters.teacher:,}" if d.parameters.teacher is not None else ""),
        f"student_int8.tflite: {d.int8_model_bytes:,} bytes",
        f"seconds: {', '.join(f'{name} {seconds:.0f}' for name, seconds in d.seconds.items())}",
    ]
    if d.netaug is not None:
        lines.append(netaug_text(d))
    return "\n".join(lines)


def netaug_text(d: Distillation) -> str:
    """How the student was augmented and what that cost, as a line."""
    return f"network augmentation: {d.netaug}{_beside_baseline(d)}"


def _beside_baseline(d: Distillation) -> str:
    """The student's training over the label-only training of the same network and schedule."""
    if "baseline" not in d.training or not d.training["baseline"].training_seconds:
        return ""
    ratio = d.training["student"].training_seconds / d.training["baseline"].training_seconds
    return f"; the student's training took {ratio:.1f} times the baseline's"
