"""The typed recipe: every choice of a run, frozen, with its default visible."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from tinykd.recipe.data import Augment, Data, DataName, LogMel
from tinykd.recipe.knobs import typed_knobs
from tinykd.recipe.losses import AnyLoss, Kd
from tinykd.recipe.net import Net, NetName
from tinykd.recipe.netaug import NetAug
from tinykd.recipe.prune import Prune
from tinykd.recipe.schemes import AnyScheme, Offline
from tinykd.recipe.section import NonNegative, NonNegativeInt, PositiveInt, Section, Size
from tinykd.recipe.training import Training

__all__ = [
    "Augment",
    "Before",
    "Budget",
    "Data",
    "DataName",
    "Distill",
    "Export",
    "LogMel",
    "Net",
    "NetName",
    "Prune",
    "Quantize",
    "Recipe",
    "Teacher",
    "Training",
    "WeightBits",
]

WeightBits = Literal[8, 4, 2, "ternary"]

BankSize = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}=[0-9]{1,12} ?(B|KiB|MiB|kB|MB)$")]


class Teacher(Section):
    """A net to train, or `path`: a trained model or its stored outputs."""

    net: NetName | None = Field(default=None, description="architecture to train; resnet8 unless path is given")
    knobs: dict[str, Any] = Field(default_factory=dict, description="keyword arguments of the architecture", validate_default=True)
    path: str | None = Field(
        default=None,
        description=".keras, .h5, SavedModel folder, .tflite, .onnx, or stored outputs .npz; replaces net",
    )
    outputs: Literal["logits", "probabilities"] = Field(default="logits", description="what a teacher from path returns")
    layout: Literal["channels_last", "channels_first"] = Field(default="channels_last", description="of the maps of a teacher from path")
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


class Before(Section):
    """What the student learns first, with other losses: hints before soft targets, for example. Its weights go on."""

    label_weight: NonNegative = Field(default=0.0, description="weight of cross-entropy with the labels")
    losses: Annotated[tuple[AnyLoss, ...], Field(min_length=1)] = Field(default=(Kd(),), description="terms of the distillation loss")
    train: Training = Training()


class Distill(Section):
    """What the student learns from."""

    scheme: AnyScheme = Field(default=Offline(), description="who is trained, against what: a name, or a table with the scheme's values")
    label_weight: NonNegative | None = Field(
        default=None, description="weight of cross-entropy with the labels; default 1, less the weights of kd and its kin, at least 0"
    )
    teacher_outputs: Literal["stored", "live"] = Field(
        default="stored", description="stored needs a deterministic view of each sample; live runs the teacher every step"
    )
    views: NonNegativeInt = Field(default=0, description="stored augmented views per sample; 0 stores the plain sample only")
    stored_dtype: Literal["float32", "float16"] = Field(default="float32", description="of stored teacher outputs; float16 halves the disk")
    stored_top: NonNegativeInt = Field(default=0, description="largest logits stored per sample, the others by their sum; 0 stores all")
    baseline: bool = Field(default=True, description="also train the student on labels alone, same schedule")
    before: tuple[Before, ...] = Field(default=(), description="trainings of the student with other losses, before this one")
    netaug: NetAug | None = Field(default=None, description="network augmentation: a [distill.netaug] table, empty for its defaults")
    losses: tuple[AnyLoss, ...] = Field(default=(Kd(),), description="terms of the distillation loss")
    train: Training = Training(epochs=60)


class Quantize(Section):
    """Quantization-aware training and conversion to int8."""

    engine: Literal["native", "tfmot"] = Field(default="native", description="native: Keras 3 all the way; tfmot: a twin in tf_keras")
    method: Literal["qat", "ptq"] = Field(
        default="qat", description="qat: quantization-aware training; ptq: calibration only, no training after the student's"
    )
    calibration_samples: PositiveInt = Field(default=512, description="training samples that set activation ranges")
    calibration: Literal["min-max", "percentile", "mse"] = Field(
        default="min-max", description="where ranges begin: the batches' extremes, a percentile, or least squared error (native)"
    )
    percentile: Annotated[float, Field(gt=50.0, le=100.0)] = Field(default=99.99, description="of calibration by percentile (native)")
    ranges: Literal["observed", "learned"] = Field(
        default="observed", description="observed: moving averages of extremes; learned: steps trained with the weights, LSQ (native)"
    )
    freeze_batch_norm: NonNegative | None = Field(
        default=None, description="epochs after which batch-norm statistics stand still; default: never, measured again at the end (native)"
    )
    freeze_ranges: NonNegative | None = Field(
        default=None, description="epochs after which observed ranges stand still; default: never, measured again at the end (native)"
    )
    equalize: Literal["none", "cross-layer"] = Field(
        default="none", description="cross-layer: even out channels of neighbouring layers before anything is rounded (native)"
    )
    bias_correction: Literal["none", "measured"] = Field(
        default="none", description="measured: biases make up for the mean error of rounding, before any training (native)"
    )
    weight_bits: WeightBits = Field(
        default=8, description="of a weight: 4 halves them in flash, 2 and ternary are stored as int8; below 8 with learned steps (native)"
    )
    eight_bits: tuple[str, ...] = Field(
        default=("first", "last"), description='layers whose weights keep 8 bits all the same: "first", "last", names or globs (native)'
    )
    train: Training = Training(epochs=15, learning_rate=5e-4)

    @model_validator(mode="after")
    def _known_to_the_engine(self) -> Quantize:
        """What the tfmot engine has no counterpart for must not be asked of it."""
        if self.engine == "tfmot":
            plain = {name: field.default for name, field in type(self).model_fields.items() if "(native)" in (field.description or "")}
            asked = [name for name, default in plain.items() if getattr(self, name) != default]
            if asked:
                raise ValueError(f'{", ".join(asked)} needs engine = "native"; tfmot has only its own ranges')
        return self


class Export(Section):
    """How the int8 model becomes C."""

    target: str = Field(default="cortex-m", description="cortex-m, m0plus, m3, m4, m7, m33, m55, rv32imac, rv32imc, host, or a board")
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
    plan_seconds: NonNegative = Field(default=10.0, description="time limit of the search for the smallest arena; most take none")
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
    prune: Prune | None = Field(
        default=None, description="channel pruning of the distilled student: a [prune] table, empty for its defaults"
    )
    quantize: Quantize = Quantize()
    export: Export = Export()
    budget: Budget = Budget()
