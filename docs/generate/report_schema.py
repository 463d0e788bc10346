"""`docs/reference/report.md`: what `report.json` holds, from the typed report itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from docs.generate.markdown import code, note, table, text
from tinykd.report.run import RunReport

Schema = Mapping[str, Any]


def page() -> str:
    """The whole page: the report, then every part by name."""
    schema = RunReport.model_json_schema()
    lines = ["# report.json", "", note("the typed report (`tinykd/report/`)"), ""]
    lines += ["`distill`, `export`, `verify` and `profile` each write their section into `report.json` of the run, and"]
    lines += ["`--json` of the same commands prints it. The JSON schema, for validators and code generators:", ""]
    lines += code(["tinykd report --schema > report.schema.json"])
    lines += ["", "Bytes are bytes, accuracies fractions from 0 to 1, costs instructions of an emulator. A section is absent until its"]
    lines += ["command has finished.", "", *_fields(schema)]
    for name, part in sorted(schema["$defs"].items()):
        lines += ["", f"## {name}", "", *filter(None, [(part.get("description") or "").replace("\n", " ")]), ""]
        lines += _fields(part) if "properties" in part else [_type(part)]
    return text(lines)


def _fields(part: Schema) -> list[str]:
    rows = [(f"`{name}`", _type(field), field.get("description", "")) for name, field in part["properties"].items()]
    return table(("key", "type", "meaning"), rows)


def _type(field: Schema) -> str:
    """A JSON type in words; a part with a section of its own as a link."""
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in field or "oneOf" in field:
        return " or ".join(_type(one) for one in field.get("anyOf") or field["oneOf"])
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if field.get("type") == "array":
        if "prefixItems" in field:
            return "[" + ", ".join(_type(one) for one in field["prefixItems"]) + "]"
        return f"list of {_type(field['items'])}" if "items" in field else "list"
    if field.get("type") == "object" and isinstance(field.get("additionalProperties"), Mapping):
        return f"{_type(field['additionalProperties'])} by name"
    return str(field.get("type", "any"))
