"""Where keys stand, against lines counted by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tinykd.errors import RecipeError
from tinykd.recipe.lines import Path, key_lines, line_of
from tinykd.recipe.parse import parse

TEXT = '''# comment with [brackets] and "quotes
a = 1
b.c = "x # no comment"  # comment
long = """
[not.a.table]
d = 4
"""
array = [
  1, # ]
  [2],
]
[t]
e = { f = 1, g = [1, 2] }
"quoted key" = 'literal \\'
[t.u]
h = 1
[[list]]
i = 1
  [list.inner]
  j = 2
[[list]]
i = 3
[[list.deep]]
k = 4
[last]
m = \'\'\'
two lines\'\'\'
n = 5'''


def test_every_key_has_its_line() -> None:
    assert key_lines(TEXT) == {
        ("a",): 2,
        ("b",): 3,
        ("b", "c"): 3,
        ("long",): 4,
        ("array",): 8,
        ("t",): 12,
        ("t", "e"): 13,
        ("t", "quoted key"): 14,
        ("t", "u"): 15,
        ("t", "u", "h"): 16,
        ("list",): 17,
        ("list", 0): 17,
        ("list", 0, "i"): 18,
        ("list", 0, "inner"): 19,
        ("list", 0, "inner", "j"): 20,
        ("list", 1): 21,
        ("list", 1, "i"): 22,
        ("list", 1, "deep"): 23,
        ("list", 1, "deep", 0): 23,
        ("list", 1, "deep", 0, "k"): 24,
        ("last",): 25,
        ("last", "m"): 26,
        ("last", "n"): 28,
    }


def test_nearest_line_is_that_of_the_longest_known_prefix() -> None:
    lines = key_lines(TEXT)
    assert line_of(lines, ("t", "e", "g", 1)) == 13
    assert line_of(lines, ("t", "absent")) == 12
    assert line_of(lines, ("absent",)) is None


SCALAR = st.sampled_from(["1", "true", '"a#]"', "'b\\'", '"""x\n[y]\n"z"""', "'''q\n=\n'''", '"\\"]"'])
VALUE = st.one_of(
    SCALAR,
    st.lists(SCALAR, max_size=3).map(lambda items: "[\n " + ", # ] c\n ".join(items) + "\n]" if items else "[]"),
    st.just("{a = 1, b = [1]}"),
)
KEY = st.sampled_from(["a", "b", "c-d", '"q r"', "'s.t'", "1"])
STATEMENT = st.one_of(
    st.tuples(st.lists(KEY, min_size=1, max_size=2), VALUE).map(lambda pair: ".".join(pair[0]) + " = " + pair[1]),
    st.lists(KEY, min_size=1, max_size=3).map(lambda keys: f"[{'.'.join(keys)}]"),
    st.lists(KEY, min_size=1, max_size=2).map(lambda keys: f"[[ {' . '.join(keys)} ]] # x"),
    st.sampled_from(["# c [ \" '", ""]),
)


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Of every key and table in a parsed text."""
    if isinstance(value, dict):
        inner: Any = value.items()
    elif isinstance(value, list):
        inner = [(index, item) for index, item in enumerate(value) if isinstance(item, dict)]
    else:
        return
    for key, item in inner:
        yield (*path, key)
        yield from paths(item, (*path, key))


@settings(max_examples=400, deadline=None)
@given(st.lists(STATEMENT, max_size=8))
def test_any_text_agrees_with_the_standard_parser(statements: list[str]) -> None:
    text = "\n".join(statements)
    try:
        expected = set(paths(parse(text)))
    except RecipeError:
        return
    lines = key_lines(text)
    assert set(lines) <= expected
    for path in expected:
        assert line_of(lines, path) is not None
    for path, line in lines.items():
        if isinstance(path[-1], str):
            assert path[-1] in text.split("\n")[line - 1]
