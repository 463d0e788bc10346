"""`docs/methods/`: a page a loss and a scheme, their list, and what each was worth where all were measured."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from docs.generate.markdown import note, table, text
from tinykd.recipe.methods import Method, methods
from tinykd.report.methods import TITLES, page

FOLDER = "methods"
SOURCE = "the recipe's sections (`tinykd/recipe/losses/`, `tinykd/recipe/schemes/`)"
MEASURED = Path(__file__).parents[1] / FOLDER / "comparison.csv"
"""Written by `python bench/methods OUT --steps STEPS --table docs/methods/comparison`."""

Row = Mapping[str, str]

COLUMNS = ("method", "seeds", "accuracy, %", "over labels alone", "agrees with its teacher, %", "KL to it, nats", "step", "whole training")


TASK = """\
CIFAR-10 at a small budget, so that two cores train every row in hours: 2,500 of its training images, 40 epochs of 20 steps, the
whole test split. The student is a DS-CNN of 13,034 parameters, the teacher MLPerf Tiny's ResNet-8, fine-tuned on these JPEG images
(83.6 %). Losses and schemes have their defaults; all rows of a seed share first weights, images, their 16 stored views, and schedule.
`kd+name` is a loss beside plain kd. Rows of one seed alone are a hint: seeds differ by half a point.

`pseudo_labels` sees 10,000 other images of the training split without their labels, for as many steps as all rows have. `multi_teacher`
and `gradual` train their teachers here, on the 2,500 images; `mutual`, `one`, `okddip`, `be_your_own_teacher` and `born_again` have
none but themselves, and agreement and KL are to what taught them. `data_free` needs a Keras 3 teacher, `cross_modal` other inputs:
neither is in the table. Many feature losses lose to plain kd here, some to labels alone: their weights are the papers', for other
networks; a loss is worth a look at `weight` before it is used.

*Step* is a training step over that of labels alone (`bench/distillation_step.py`, its own student and teacher), *whole training*
processor time of all that was trained over that of labels, where it was timed.
"""


def pages() -> dict[str, str]:
    """`README.md`, `measured.md`, and one page a method, by path below `docs/`."""
    found = methods()
    with MEASURED.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {
        f"{FOLDER}/README.md": _index(found),
        f"{FOLDER}/measured.md": _comparison(rows),
        **{f"{FOLDER}/{method.name}.md": _page(method, rows) for method in found},
    }


def _index(found: Sequence[Method]) -> str:
    lines = ["# Distillation methods", "", note(SOURCE), "", "`tinykd methods` prints the same list, `tinykd methods NAME` one page."]
    lines += ["What each was worth on one task: [methods measured](measured.md).", ""]
    for family, title in TITLES.items():
        of_family = [method for method in found if method.family == family]
        cells = [(f"[`{method.name}`]({method.name}.md)", method.summary, method.paper, method.cost) for method in of_family]
        lines += [f"## {title}", "", *table(("name", "what it does", "paper", "cost"), cells), ""]
    return text(lines)


def _page(method: Method, rows: Sequence[Row]) -> str:
    """The method's own page with its rows, and those of labels and kd beside them."""
    alias = "kd" if method.name == "offline" else method.name
    mine = [row for row in rows if alias in row["name"].split("+")]
    lines = page(method).splitlines()
    if mine:
        beside = [row for row in rows if row["name"] in ("labels", "kd") and row not in mine]
        lines += ["", "## Measured", "", *_table([*mine, *beside]), "", "The task, and all others: [methods measured](measured.md)."]
    return text([*lines, "", note(SOURCE)])


def _comparison(rows: Sequence[Row]) -> str:
    lines = [
        "# Methods measured",
        "",
        note("`comparison.csv`, a table of `bench/methods`,"),
        "",
    ]
    lines += [*TASK.splitlines(), "", "![gain over labels alone](comparison.svg)", ""]
    return text([*lines, *_table(rows)])


def _table(rows: Sequence[Row]) -> list[str]:
    return table(COLUMNS, [_cells(row) for row in rows])


def _cells(row: Row) -> tuple[str, ...]:
    spread = f" ± {float(row['deviation']):.2f}" if int(row["seeds"]) > 1 else ""
    step, training = (f"{float(row[key]):.2f}x" if row[key] else "" for key in ("step_cost", "training_cost"))
    return (
        f"`{row['name']}`",
        row["seeds"],
        f"{float(row['accuracy']):.2f}{spread}",
        f"{float(row['gain']):+.2f}",
        f"{float(row['agreement']):.1f}",
        f"{float(row['kl']):.3f}",
        step,
        training,
    )
