"""What a recipe says about data: where samples come from, how they become inputs, how they vary."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from tinykd.recipe.section import Fraction, NonNegative, NonNegativeInt, Positive, PositiveInt, Section

DataName = Literal["digits", "mnist", "cifar10", "spoken_digits", "npz", "images", "wav"]


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
    train_limit: NonNegativeInt = Field(
        default=0, description="about so many samples of the training split, at least one a class, seeded; 0 uses all"
    )
    test_limit: NonNegativeInt = Field(default=0, description="the same for validation and for test")
    image_size: tuple[PositiveInt, PositiveInt] | None = Field(default=None, description="[height, width] to resize image folders to")
    log_mel: LogMel = LogMel()
    augment: Augment = Augment()
