"""Both quantization engines on a finished run: the same float student, the same data and schedule.

    python bench/engines.py runs/digits                             # the recipe's own schedule
    python bench/engines.py runs/digits --epochs 3 --json

Columns: int8 accuracy on test (reference kernels) less the float student's, in points; int8 cross-entropy on test; seconds of the
stage on this machine, conversion included. The run directory is read, copied and left as it is.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from requantized import requantized

from tinykd.distill.evaluation import accuracy, cross_entropy
from tinykd.recipe.model import Quantize, Recipe
from tinykd.recipe.toml import load_recipe

VARIANTS: dict[str, dict[str, object]] = {
    "tfmot ptq": {"engine": "tfmot", "method": "ptq"},
    "native ptq": {"engine": "native", "method": "ptq"},
    "native ptq, equalized, corrected": {
        "engine": "native",
        "method": "ptq",
        "equalize": "cross-layer",
        "bias_correction": "measured",
    },
    "native ptq, mse": {"engine": "native", "method": "ptq", "calibration": "mse"},
    "tfmot qat": {"engine": "tfmot"},
    "native qat": {"engine": "native"},
    "native qat, mse": {"engine": "native", "calibration": "mse"},
    "native qat, learned": {"engine": "native", "ranges": "learned"},
}
"""Changes of the recipe's section `quantize`."""


@dataclass(frozen=True)
class Row:
    """One variant."""

    variant: str
    validation: float
    float_accuracy: float
    int8_accuracy: float
    int8_cross_entropy: float
    seconds: float


def measure(folder: Path, recipe: Recipe, variant: str, data_dir: Path | None) -> Row:
    """Quantize the run's student anew."""
    # Only the schedule and the samples are the recipe's: a run may itself have been quantized in another way.
    kept = {"train": recipe.quantize.train, "calibration_samples": recipe.quantize.calibration_samples}
    section = Quantize.model_validate({**kept, **VARIANTS[variant]})
    with requantized(folder, recipe, section, data_dir) as (pipeline, seconds):
        predictions = pipeline.run.path("predictions")
        with np.load(predictions / "int8.npz") as integers, np.load(predictions / "student.npz") as student:
            y = pipeline.data.test.y
            return Row(
                variant,
                accuracy(integers["validation"], pipeline.data.validation.y),
                accuracy(student["test"], y),
                accuracy(integers["test"], y),
                cross_entropy(integers["test"], y),
                seconds,
            )


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="finished run directory")
    parser.add_argument("--epochs", type=int, help="of quantization-aware training; default the recipe's")
    parser.add_argument("--only", action="append", choices=list(VARIANTS), help="a variant; may be repeated")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    changes = [] if arguments.epochs is None else [f"quantize.train.epochs={arguments.epochs}"]
    recipe = load_recipe(str(arguments.run), changes)
    rows = []
    if not arguments.json:
        print(f"{'variant':<36}{'int8 val.':>10}{'float':>9}{'int8':>9}{'points':>8}{'nats':>9}{'seconds':>9}")
    for variant in arguments.only or VARIANTS:
        row = measure(arguments.run, recipe, variant, arguments.data_dir)
        rows.append(row)
        if not arguments.json:
            gap = 100 * (row.int8_accuracy - row.float_accuracy)
            print(
                f"{variant:<36}{100 * row.validation:>9.2f}%{100 * row.float_accuracy:>8.2f}%{100 * row.int8_accuracy:>8.2f}%{gap:>+8.2f}"
                f"{row.int8_cross_entropy:>9.4f}{row.seconds:>9.1f}",
                flush=True,
            )
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))


if __name__ == "__main__":
    main()
