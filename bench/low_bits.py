"""Accuracy against flash at 8, 4, 2 bits and ternary: one finished run's student, the recipe's losses and schedule for each.

    python bench/low_bits.py runs/digits                            # the recipe's own schedule
    python bench/low_bits.py runs/digits --epochs 5 --only 4 --json

Columns: accuracy of the integers on test (reference kernels) less the float student's, in points; bytes of the weights in flash;
of all constants (weights, biases, multipliers); of the linked firmware; and two that are not flash and not claimed, the weights'
entropy and their deflated size. 2 bits and ternary are stored as int8. First and last layer keep 8 bits. The run is left as it is.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from requantized import requantized

from tinykd.compile.reader import read_file
from tinykd.compile.weight_storage import stored_weights
from tinykd.recipe.model import Recipe
from tinykd.recipe.toml import load_recipe
from tinykd.study.measure import measure

VARIANTS: dict[str, dict[str, Any]] = {
    "8": {"weight_bits": 8},
    "8, learned": {"weight_bits": 8, "ranges": "learned"},
    "4": {"weight_bits": 4},
    "4, everywhere": {"weight_bits": 4, "eight_bits": ()},
    "4, no training": {"weight_bits": 4, "method": "ptq"},
    "2": {"weight_bits": 2},
    "2, depthwise 8": {"weight_bits": 2, "eight_bits": ("first", "last", "*depthwise")},
    "ternary": {"weight_bits": "ternary"},
}
"""Changes of the recipe's section `quantize`."""


@dataclass(frozen=True)
class Row:
    """One variant."""

    variant: str
    float_accuracy: float
    accuracy: float
    weights_bytes: int
    constants_bytes: int
    flash_bytes: int | None
    entropy_bytes: int
    deflated_bytes: int
    seconds: float


def row(folder: Path, recipe: Recipe, variant: str, data_dir: Path | None) -> Row:
    """Quantize the run's student anew."""
    section = recipe.quantize.model_copy(update={"engine": "native", **VARIANTS[variant]})
    with requantized(folder, recipe, type(section).model_validate(section.model_dump()), data_dir) as (pipeline, seconds):
        found = measure(pipeline, "qat")
        stored = stored_weights(read_file(pipeline.run.path("student_int8.tflite")))
        return Row(
            variant,
            found["accuracy_float"],
            found["accuracy"],
            sum(one.stored_bytes for one in stored),
            found["weights_bytes"],
            found["flash_bytes"],
            sum(one.entropy_bytes for one in stored),
            sum(one.compressed_bytes for one in stored),
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
        heads = ("float", "integers", "points", "weights", "constants", "flash", "entropy", "deflate", "seconds")
        print(f"{'weight bits':<18}" + "".join(f"{head:>10}" for head in heads))
    for variant in arguments.only or VARIANTS:
        one = row(arguments.run, recipe, variant, arguments.data_dir)
        rows.append(one)
        if not arguments.json:
            points = 100 * (one.accuracy - one.float_accuracy)
            flash = f"{one.flash_bytes:,}" if one.flash_bytes is not None else "-"
            print(
                f"{variant:<18}{100 * one.float_accuracy:>9.2f}%{100 * one.accuracy:>9.2f}%{points:>+10.2f}{one.weights_bytes:>10,}"
                f"{one.constants_bytes:>10,}{flash:>10}{one.entropy_bytes:>10,}{one.deflated_bytes:>10,}{one.seconds:>10.1f}",
                flush=True,
            )
    if arguments.json:
        print(json.dumps([asdict(one) for one in rows], indent=2))


if __name__ == "__main__":
    main()
