"""A verdict after a result: an error for people; for machines the result alone, and the exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import click

from tinykd.errors import TinykdError


@contextmanager
def verdict(as_json: bool) -> Iterator[None]:
    """Errors inside come after a result was printed: with `--json` they go to stderr, so that stdout holds one document."""
    try:
        yield
    except TinykdError as error:
        if not as_json:
            raise
        click.echo(json.dumps({"error": error.message, "hint": error.hint, "exit_code": error.exit_code}), err=True)
        raise click.exceptions.Exit(error.exit_code) from error
