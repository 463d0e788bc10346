"""The typed recipe: every choice of a run, frozen, with its default visible."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from tinykd.recipe.knobs import typed_knobs
from tinykd.recipe.losses import AnyLoss, Kd
from tinykd.recipe.section import Fraction, NonNegative, NonNegativeInt, Positive, PositiveInt, Section, UnitInterval

NetName = Literal["ds_cnn", "resnet8", "resnet", "mlp", "mobilenet_v2_tiny"]
DataName = Literal["digits", "mnist", "cifar10", "spoken_digits", "npz", "images", "wav"]
BankSize = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}=[0-9]{1,12} ?(B|KiB|MiB|kB|MB)$")]
Size = Annotated[str, Field(pattern=r"^[0-9]{1,12} (B|KiB|MiB|kB|MB)$")]


class LogMel(Section):
    """Log-mel front end for sound; the same numbers are computed on the device."""

    sample_rate: PositiveInt = Field(default=8000, description="hertz; recordings at another rate are refused")
    clip_length: PositiveInt = Field(default=8000, description="samples of one clip; shorter recordings end in zeros, longer ones are cut")
    frame_length: PositiveInt = Field(default=320, description="samples per analysis window")
    frame_step: PositiveInt = Field(default=160, description="samples between windows")
    fft_length: PositiveInt = Field(default=512, description="points; the window is zero-padded to it")
    mel_bins: PositiveInt = Field(default=40, description="mel bands")
    lower_hertz: NonNegative = Field(default=20.0, description="lower edge of the first band")
    upper_hertz: Positive = Field(default=4000.0, description="upper edge of the last band, at most half the sample rate")
    log_floor: Positive = Field(default=1e-8, description="added to the mel power before the logarithm; full scale is about 0.25")
    log_range: Positive = Field(
        default=16.0, description="feature = (ln(mel + log_floor) - ln(log_floor)) / log_range: silence is 0, loud speech about 1"
    )

    @model_validator(mode="after")
    def _fits(self) -> LogMel:
        if self.frame_length > self.fft_length:
            raise ValueError(f"frame_length {self.frame_length} is longer than fft_length {self.fft_length}")
        if self.frame_length > self.clip_length:
            raise ValueError(f"frame_length {self.frame_length} is longer than clip_length {self.clip_length}")
        if not self.lower_hertz < self.upper_hertz <= self.sample_rate / 2:
            raise ValueError(
                f"bands from {self.lower_hertz:g} to {self.upper_hertz:g} Hz: lower_hertz must be below upper_hertz, "
                f"which is at most half of sample_rate ({self.sample_rate / 2:g})"
            )
        return self


class Augment(Section):
    """Random changes of training inputs; never of validation or test inputs."""

    shift: NonNegativeInt = Field(
        default=0, description="whole pixels (or frames and mel bands) of random translation each way, filled with zero"
    )
    flip: bool = Field(default=False, description="random left-right mirror")
    rotate: NonNegative = Field(default=0.0, description="degrees, uniform in [-rotate, rotate]")
    zoom: Fraction = Field(default=0.0, description="uniform scale in [1-zoom, 1+zoom]")
    cutout: NonNegativeInt = Field(default=0, description="side in pixels of one erased square")
    noise: NonNegative = Field(default=0.0, description="standard deviation of added Gaussian noise, in input units")


class Data(Section):
    """Where samples come from and how they become network inputs."""

    name: DataName = Field(default="digits", description="bundled, downloaded, or files of one's own")
    path: str | None = Field(
        default=None, description="file or folder, relative to the working directory; --data-dir is searched for named sets"
    )
    validation_fraction: Annotated[float, Field(gt=0, lt=0.5)] = Field(default=0.1, description="of the training split, stratified, seeded")
    test_fraction: Annotated[float, Field(gt=0, lt=0.9)] = Field(default=0.2, description="for data sets without an official test split")
    image_size: tuple[PositiveInt, PositiveInt] | None = Field(default=None, description="[height, width] to resize image folders to")
    log_mel: LogMel = LogMel()
    augment: Augment = Augment()


class Training(Section):
    """One training schedule."""

    epochs: PositiveInt = Field(default=30, description="passes over the training split")
    batch_size: PositiveInt = Field(default=128, description="samples a step")
    optimizer: Literal["adam", "adamw", "sgd"] = Field(default="adam", description="adamw decouples weight_decay")
    learning_rate: Positive = Field(default=2e-3, description="its peak")
    schedule: Literal["constant", "cosine", "step"] = Field(
        default="cosine", description="cosine ends at 0; step divides by 10 at 1/2 and 3/4"
    )
    warmup_epochs: NonNegative = Field(default=0.0, description="linear from 0")
    weight_decay: NonNegative = Field(default=0.0, description="decay of kernels; not of biases and normalization")
    momentum: UnitInterval = Field(default=0.9, description="sgd only")
    label_smoothing: Fraction = Field(default=0.0, description="probability spread over all classes")


class Net(Section):
    """An architecture by name and its knobs."""

    net: NetName = Field(default="ds_cnn", description="architecture")
    knobs: dict[str, Any] = Field(default_factory=dict, description="keyword arguments of the architecture", validate_default=True)

    @field_validator("knobs")
    @classmethod
    def _checked(cls, knobs: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        return typed_knobs(info.data["net"], knobs).model_dump() if "net" in info.data else knobs


class Teacher(Section):
    """A net to train, or `path`: a trained model or its stored outputs."""

    net: NetName | None = Field(default=None, description="architecture to train; resnet8 unless path is given")
    knobs: dict[str, Any] = Field(default_factory=dict, description="keyword arguments of the architecture", validate_default=True)
    path: str | None = Field(
        default=None, description="Keras 3 .keras, legacy .keras/.h5, SavedModel folder, .tflite, or stored outputs .npz; replaces net"
    )
    outputs: Literal["logits", "probabilities"] = Field(default="logits", description="what a teacher from path returns")
    train: Training = Training()

    @model_validator(mode="before")
    @classmethod
    def _one_source(cls, values: Any) -> Any:
        """TOML cannot say None: a given path unsets the net, and neither means the default net."""
        if not isinstance(values, dict):
            return values
        if values.get("path") is not None:
            return {key: value for key, value in values.items() if key not in ("net", "knobs")}
        return values if values.get("net") is not None else {**values, "net": "resnet8"}

    @field_validator("knobs")
    @classmethod
    def _checked(cls, knobs: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        return typed_knobs(info.data["net"], knobs).model_dump() if info.data.get("net") else knobs


class Distill(Section):
    """What the student learns from."""

    scheme: Literal["offline"] = Field(default="offline", description="a trained teacher, then the student")
    label_weight: NonNegative | None = Field(
        default=None, description="weight of cross-entropy with the labels; default 1, less the weights of kd and its kin, at least 0"
    )
    teacher_outputs: Literal["stored", "live"] = Field(
        default="stored", description="stored needs a deterministic view of each sample; live runs the teacher every step"
    )
    views: NonNegativeInt = Field(default=0, description="stored augmented views per sample; 0 stores the plain sample only")
    baseline: bool = Field(default=True, description="also train the student on labels alone, same schedule")
    losses: tuple[AnyLoss, ...] = Field(default=(Kd(),), description="terms of the distillation loss")
    train: Training = Training(epochs=60)


class Quantize(Section):
    """Quantization-aware training and conversion to int8."""

    engine: Literal["tfmot", "native"] = Field(default="tfmot", description="tfmot: a twin in tf_keras; native: Keras 3 all the way")
    calibration_samples: PositiveInt = Field(default=512, description="training samples that set activation ranges")
    train: Training = Training(epochs=15, learning_rate=5e-4)


class Export(Section):
    """How the int8 model becomes C."""

    target: str = Field(default="cortex-m", description="cortex-m, cortex-m0plus, m3, m4, m7, m33, m55, rv32imac, microbit, or host")
    rounding: Literal["single", "double"] = Field(default="single", description="single equals LiteRT, double equals TFLite Micro")
    optimize: Literal["size", "speed", "balanced", "ram"] = Field(
        default="balanced", description="balanced and ram compute layers row by row where that saves RAM"
    )
    io: Literal["arena", "outside"] = Field(
        default="arena", description="where inputs and outputs lie: in the arena, or outside in buffers of the caller"
    )
    arena: tuple[BankSize, ...] = Field(
        default=(), description='banks of RAM that the arena may lie in and how much of each, fastest first: "ccm=16KiB"; empty: RAM alone'
    )
    without: tuple[str, ...] = Field(default=(), description="graph rewrites to leave out, by name")
    also: tuple[str, ...] = Field(
        default=(), description="graph rewrites to add: logits drops a SOFTMAX at the end, integer-io QUANTIZE and DEQUANTIZE at the ends"
    )


class Budget(Section):
    """What the image may use. Units are explicit: "256 KiB", "1 MiB", "65536 B"."""

    flash: Size = Field(default="256 KiB", description="weights, constants, code and vectors")
    ram: Size = Field(default="256 KiB", description="arena, stack, .data and .bss")


class Recipe(Section):
    """A whole run, from data to firmware."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")] = Field(
        default="digits", description="of the run and its folder; lower case"
    )
    seed: NonNegativeInt = Field(default=0, description="of every random choice")
    data: Data = Data()
    teacher: Teacher = Field(default_factory=lambda: Teacher.model_validate({}))
    student: Net = Net()
    distill: Distill = Distill()
    quantize: Quantize = Quantize()
    export: Export = Export()
    budget: Budget = Budget()
