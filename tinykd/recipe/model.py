"""The typed recipe: every choice of a run, frozen, with its default visible."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

PositiveInt = Annotated[int, Field(gt=0)]
NonNegativeInt = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
UnitInterval = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """A table of the recipe: unknown keys are errors, values never change after loading."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LogMel(Section):
    """Log-mel front end for `.wav` data; the same numbers are computed on the device."""

    sample_rate: PositiveInt = Field(8000, description="hertz")
    frame_length: PositiveInt = Field(320, description="samples per analysis window")
    frame_step: PositiveInt = Field(160, description="samples between windows")
    fft_length: PositiveInt = Field(512, description="points")
    mel_bins: PositiveInt = Field(40, description="mel bands")
    lower_hertz: NonNegative = 20.0
    upper_hertz: Positive = 4000.0
    log_floor: Positive = Field(1e-6, description="added to the mel power before the logarithm")


class Augment(Section):
    """Random changes of training inputs; never of validation or test inputs."""

    shift: NonNegativeInt = Field(0, description="pixels (or frames) of random translation, filled with the edge value zero")
    flip: bool = Field(False, description="random left-right mirror")
    rotate: NonNegative = Field(0.0, description="degrees, uniform in [-rotate, rotate]")
    zoom: Fraction = Field(0.0, description="uniform scale in [1-zoom, 1+zoom]")
    cutout: NonNegativeInt = Field(0, description="side in pixels of one erased square")
    noise: NonNegative = Field(0.0, description="standard deviation of added Gaussian noise, in input units")


class Data(Section):
    """Where samples come from and how they become network inputs."""

    name: Literal["digits", "mnist", "cifar10", "spoken_digits", "npz", "images", "wav"] = "digits"
    path: str | None = Field(None, description="file or folder; `--data-dir` overrides the folder")
    validation_fraction: Annotated[float, Field(gt=0, lt=0.5)] = Field(0.1, description="of the training split, stratified, seeded")
    test_fraction: Annotated[float, Field(gt=0, lt=0.9)] = Field(0.2, description="for data sets without an official test split")
    image_size: tuple[PositiveInt, PositiveInt] | None = Field(None, description="[height, width] to resize image folders to")
    log_mel: LogMel = LogMel()
    augment: Augment = Augment()


class Training(Section):
    """One training schedule."""

    epochs: PositiveInt = 30
    batch_size: PositiveInt = 128
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    learning_rate: Positive = 2e-3
    schedule: Literal["constant", "cosine", "step"] = "cosine"
    warmup_epochs: NonNegative = 0.0
    weight_decay: NonNegative = 0.0
    momentum: UnitInterval = Field(0.9, description="sgd only")
    label_smoothing: Fraction = 0.0


class Net(Section):
    """An architecture by name and its knobs."""

    net: Literal["ds_cnn", "resnet8", "resnet", "mlp", "mobilenet_v2_tiny"]
    knobs: dict[str, Any] = Field(default_factory=dict, description="keyword arguments of the architecture, checked against it")


class Teacher(Section):
    """A net to train, or `path`: Keras 3 .keras, legacy .keras/.h5, SavedModel folder, .tflite, or stored outputs .npz."""

    net: Literal["ds_cnn", "resnet8", "resnet", "mlp", "mobilenet_v2_tiny"] | None = "resnet8"
    knobs: dict[str, Any] = Field(default_factory=dict)
    path: str | None = None
    outputs: Literal["logits", "probabilities"] = Field("logits", description="what a teacher from `path` returns")
    train: Training = Training()


class Kd(Section):
    """Knowledge distillation, Hinton 2015: T^2 KL(softmax(t/T) || softmax(s/T))."""

    name: Literal["kd"] = "kd"
    temperature: Positive = 4.0
    weight: NonNegative = Field(0.9, description="alpha, the weight of this term; labels get 1 - alpha when it is the only loss")


class Distill(Section):
    """What the student learns from."""

    scheme: Literal["offline"] = "offline"
    losses: tuple[Kd, ...] = (Kd(),)
    label_weight: NonNegative | None = Field(None, description="weight of cross-entropy with the labels; default 1 - sum of loss weights, at least 0")
    teacher_outputs: Literal["stored", "live"] = Field("stored", description="stored needs a deterministic view of each sample; live runs the teacher every step")
    views: NonNegativeInt = Field(0, description="stored augmented views per sample; 0 stores the plain sample only")
    baseline: bool = Field(True, description="also train the student on labels alone, same schedule")
    train: Training = Training(epochs=60)


class Quantize(Section):
    """Quantization-aware training and conversion to int8."""

    engine: Literal["tfmot", "native"] = "tfmot"
    train: Training = Training(epochs=15, learning_rate=5e-4)
    calibration_samples: PositiveInt = 512


class Export(Section):
    """How the int8 model becomes C."""

    target: str = "cortex-m"
    rounding: Literal["single", "double"] = "single"
    optimize: Literal["size", "speed", "balanced", "ram"] = "balanced"


class Budget(Section):
    """What the image may use. Units are explicit: "256 KiB", "1 MiB", "65536 B"."""

    flash: str = "256 KiB"
    ram: str = "256 KiB"


class Recipe(Section):
    """A whole run, from data to firmware."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")] = "digits"
    seed: NonNegativeInt = 0
    data: Data = Data()
    teacher: Teacher = Teacher()
    student: Net = Net(net="ds_cnn")
    distill: Distill = Distill()
    quantize: Quantize = Quantize()
    export: Export = Export()
    budget: Budget = Budget()
