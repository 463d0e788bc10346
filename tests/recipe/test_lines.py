"""Where keys stand, against lines counted by hand."""

from __future__ import annotations

from tinykd.recipe.lines import key_lines, line_of

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
