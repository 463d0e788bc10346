"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

Decorated = Callable[..., Any]


def target_options(command: Decorated) -> Decorated:
    """Where the firmware runs, how it computes, and what it may use."""
    options = [
        click.option(
            "--target",
            "--board",
            metavar="NAME",
            help="A core: cortex-m (= m4), cortex-m0plus, m3, m4, m7, m33, m55, riscv, or host; or a board of `tinykd boards`, or its .toml.",
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
    """Where tensors lie."""
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
