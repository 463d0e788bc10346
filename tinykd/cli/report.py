"""`tinykd report`: what a run found, on one page."""

from __future__ import annotations

import json
from pathlib import Path

import click

EXAMPLES = """\b
Examples:
  tinykd report runs/digits
  tinykd report runs/digits --format markdown > report.md
  tinykd report runs/digits --plan
  tinykd report --diff main/report.json report.json --format markdown
  tinykd report runs/digits --html --open
  tinykd report runs/digits --html digits.html
  tinykd report --schema > report.schema.json

RUN is a run directory, an exported folder or a report.json; the newest run by default.
"""


@click.command(epilog=EXAMPLES)
@click.argument("run", required=False, type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True, help="For whom.")
@click.option("--json", "as_json", is_flag=True, help="Same as --format json.")
@click.option("--plan", is_flag=True, help="Draw the plan of the arena; plan.svg in the export's report/ is the same in colour.")
@click.option("--html", is_flag=False, flag_value="", metavar="[FILE]", help="Write a page that stands alone; RUN/report.html by default.")
@click.option("--open", "browse", is_flag=True, help="Write the page and show it in the browser.")
@click.option("--diff", nargs=2, type=click.Path(path_type=Path), metavar="OLD NEW", help="Two runs or reports side by side: tinykd diff.")
@click.option("--schema", is_flag=True, help="Print the JSON schema of the report.")
@click.pass_context
def command(
    context: click.Context,
    run: Path | None,
    form: str,
    as_json: bool,
    plan: bool,
    html: str | None,
    browse: bool,
    diff: tuple[Path, Path] | None,
    schema: bool,
) -> None:
    """Print accuracy, memory and proof of a run."""
    from tinykd.cli.diff import command as side_by_side
    from tinykd.deploy.source import newest_run
    from tinykd.errors import UsageError
    from tinykd.report.plan_chart import plan_chart
    from tinykd.report.run import RunReport, open_report, report_markdown, report_text

    if schema:
        click.echo(json.dumps(RunReport.model_json_schema(), indent=2))
        return
    if diff is not None:
        context.invoke(side_by_side, a=diff[0], b=diff[1], form=form, as_json=as_json, as_markdown=False, schema=False)
        return
    if html is not None or browse:
        file = _write_page(run, html or "")
        click.echo(json.dumps({"page": str(file)}) if as_json else f"written: {file}")
        if browse:
            click.launch(str(file))
        return
    found = open_report(run or newest_run())
    if plan:
        if found.memory is None or not found.memory.buffers:
            raise UsageError("the report has no plan of the arena", "make one: tinykd export")
        click.echo(plan_chart(found.memory), nl=False)
        return
    if as_json or form == "json":
        click.echo(found.model_dump_json(indent=2))
    else:
        click.echo((report_text if form == "text" else report_markdown)(found), nl=False)


def _write_page(run: Path | None, html: str) -> Path:
    """Write the page to `html`, or into the run where that is empty; where it is a folder and no run is named, that is the run."""
    from tinykd.deploy.source import newest_run
    from tinykd.errors import UsageError
    from tinykd.report.evidence import open_evidence
    from tinykd.report.page.report_page import report_page
    from tinykd.run import write_atomically

    if run is None and Path(html).is_dir() and html:
        run, html = Path(html), ""
    if html and (Path(html).is_dir() or Path(html).suffix not in (".html", ".htm")):
        raise UsageError(f"--html {html}: not the name of a page", "say for example: --html report.html")
    run = run or newest_run()
    file = Path(html) if html else (run if run.is_dir() else run.parent) / "report.html"
    write_atomically(file, report_page(open_evidence(run)).encode())
    return file
