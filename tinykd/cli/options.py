"""Options that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tinykd.deploy.source import Source
    from tinykd.recipe.model import Export

Decorated = Callable[..., Any]


@dataclass(frozen=True)
class Choices:
    """What `target_options` and `memory_options` were given; None and empty where nothing was.

    Attributes: the options' own names; `also` holds the rewrites that are off by default.
    """

    target: str | None
    rounding: str | None
    optimize: str | None
    without: tuple[str, ...]
    also: tuple[str, ...]
    flash: str | None
    ram: str | None
    toolchain: str
    name: str | None
    as_json: bool
    io: str | None = None
    arena: str | None = None
    plan_seconds: float | None = None

    def opened(self, source: Path | None) -> Source:
        """The source, or the newest run, with its budget."""
        from tinykd.deploy.source import newest_run, open_source, with_budget

        return with_budget(open_source(source or newest_run(), self.name), self.flash, self.ram, self.target)

    def settings(self, source: Source) -> Export:
        """The source's settings with these on top."""
        from tinykd.deploy.source import settings_of

        return settings_of(
            source, self.target, self.rounding, self.optimize, self.without, self.also, self.io, self.arena, self.plan_seconds
        )


def target_options(command: Decorated) -> Decorated:
    """Where the firmware runs, how it computes, and what it may use; the command gets them, and those of `memory_options`, as `chosen`."""
    names = {field.name for field in fields(Choices)}

    @functools.wraps(command)
    def gathered(**values: Any) -> Any:
        mine = {name: values.pop(name) for name in names & values.keys()}
        return command(chosen=Choices(**mine), **values)

    return _with_target_options(gathered)


def _with_target_options(command: Decorated) -> Decorated:
    options = [
        click.option(
            "--target",
            "--board",
            metavar="NAME",
            help="A core: cortex-m (= m4), cortex-m0plus, m3, m4, m7, m33, m55, riscv, host; or a board of `tinykd boards`, or its .toml.",
        ),
        click.option("--rounding", type=click.Choice(["single", "double"]), help="single equals LiteRT, double equals TFLite Micro."),
        click.option(
            "--optimize",
            type=click.Choice(["size", "speed", "balanced", "ram"]),
            help="What code and plan favour: balanced and ram compute row by row where that saves RAM.",
        ),
        click.option("--without", multiple=True, metavar="PASS", help="Leave a graph rewrite out; may be repeated."),
        click.option("--logits", "also", flag_value="logits", multiple=True, help="Drop a SOFTMAX at the end."),
        click.option(
            "--integer-io", "also", flag_value="integer-io", multiple=True, help="Integers in and out: no QUANTIZE, no DEQUANTIZE."
        ),
        click.option("--flash", metavar="SIZE", help="Flash budget with its unit, e.g. 256KiB."),
        click.option("--ram", metavar="SIZE", help="RAM budget with its unit, e.g. 64KiB."),
        click.option("--toolchain", type=click.Choice(["auto", "gcc", "zig"]), default="auto", show_default=True, help="Which compiler."),
        click.option("--name", metavar="NAME", help="C name of the model; the run's or the file's by default."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON for machines, nothing else."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def memory_options(command: Decorated) -> Decorated:
    """Where tensors lie; below `target_options`."""
    options = [
        click.option(
            "--io", type=click.Choice(["arena", "outside"]), help="Inputs and outputs lie in the arena, or outside in the caller's buffers."
        ),
        click.option("--arena", metavar="BANK=SIZE,...", help="Banks of RAM for the arena, fastest first, e.g. ccm=16KiB,ram=48KiB."),
        click.option(
            "--plan-seconds", type=click.FloatRange(min=0), help="Time limit of the search for the smallest arena; 10 by default."
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command
