"""The worst-case stack of programs whose frames are known."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.target.machines import CORES_AND_TOOLCHAINS, TOOLCHAINS, emulator, fake_image, installed
from tinykd.target.serve import Session

DEEP = """
#include "tinykd_model.h"
int leaf(volatile uint8_t *bytes);
int middle(volatile uint8_t *bytes);
__attribute__((noinline)) int leaf(volatile uint8_t *bytes)
{
    volatile uint8_t room[1000];
    for (int i = 0; i < 1000; ++i) {
        room[i] = bytes[0];
    }
    return room[999];
}
__attribute__((noinline)) int middle(volatile uint8_t *bytes)
{
    volatile uint8_t room[500];
    for (int i = 0; i < 500; ++i) {
        room[i] = bytes[1];
    }
    return leaf(bytes) + room[499];
}
int tinykd_fake_invoke(void *arena)
{
    uint8_t *bytes = (uint8_t *)arena;
    const int sum = middle(bytes);
    for (int i = 0; i < 16; ++i) {
        const int8_t x = ((const int8_t *)arena)[i];
        ((int8_t *)arena)[32 + i] = (int8_t)(x == 127 ? 127 : x + 1);
    }
    return sum < 0;
}
"""

CHOSEN = """
#include "tinykd_model.h"
typedef int (*step)(int);
int one(int x);
int two(int x);
int one(int x) { return x + 1; }
int two(int x) { return x + 2; }
int tinykd_fake_invoke(void *arena)
{
    static const step steps[2] = {one, two};
    const volatile int8_t *bytes = (const volatile int8_t *)arena;
    return steps[bytes[0] & 1](0) < 0;
}
"""

CIRCULAR = """
#include "tinykd_model.h"
int even(volatile int *n);
int odd(volatile int *n);
__attribute__((noinline)) int even(volatile int *n) { *n = *n - 1; return *n < 0 ? 1 : 1 + odd(n); }
__attribute__((noinline)) int odd(volatile int *n) { *n = *n - 1; return *n < 0 ? 0 : 2 + even(n); }
int tinykd_fake_invoke(void *arena)
{
    volatile int n = ((const int8_t *)arena)[0] & 7;
    return even(&n) < 0;
}
"""

SIZED_BY_DATA = """
#include "tinykd_model.h"
int tinykd_fake_invoke(void *arena)
{
    const int n = (((const uint8_t *)arena)[0] & 63) + 1;
    volatile uint8_t *room = (volatile uint8_t *)__builtin_alloca((unsigned)n);
    for (int i = 0; i < n; ++i) {
        room[i] = 1;
    }
    return room[n - 1] == 2;
}
"""


@pytest.mark.parametrize(("target", "toolchain"), CORES_AND_TOOLCHAINS)
def test_frames_add_up_along_the_deepest_path(target: str, toolchain: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    stack = fake_image(tmp_path_factory.getbasetemp(), target, toolchain, DEEP).stack
    frames = {frame.function: frame.bytes for frame in stack.path}
    assert 1000 <= frames["leaf"] < 1048
    assert 500 <= frames["middle"] < 548
    assert [f.function for f in stack.path][:2] == ["Reset_Handler", "tinykd_start"]
    assert [f.function for f in stack.path][-2:] == ["middle", "leaf"]
    assert stack.bytes == sum(frames.values()) + stack.interrupt_bytes
    assert stack.model_bytes is not None
    assert 1500 <= stack.model_bytes < stack.bytes


@pytest.mark.parametrize(("target", "toolchain"), CORES_AND_TOOLCHAINS)
@pytest.mark.parametrize("name", ["qemu", "unicorn"])
def test_painted_stack_is_at_most_the_bound_and_near_it(
    target: str, toolchain: str, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if not installed(target, name):
        pytest.skip(f"{name} is not installed or has no {target}")
    image = fake_image(tmp_path_factory.getbasetemp(), target, toolchain, DEEP)
    served = Session(emulator(target, name), image).run_inputs([bytes(16)])
    assert image.stack.bytes is not None
    assert served.stack_high_water is not None
    assert 1500 < served.stack_high_water <= image.stack.bytes
    assert served.stack_reserved == -(-image.stack.bytes // 16) * 16
    assert image.stack.bytes - served.stack_high_water <= image.stack.interrupt_bytes + 64


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize(
    ("model", "reason"),
    [(CHOSEN, "indirect"), (CIRCULAR, "recursion: .*even.*odd|recursion: .*odd.*even"), (SIZED_BY_DATA, "data|register")],
)
def test_what_cannot_be_bounded_is_said(toolchain: str, model: str, reason: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    stack = fake_image(_own(tmp_path_factory), "m4", toolchain, model).stack
    assert stack.bytes is None
    assert re.search(reason, stack.unknown[0]), stack.unknown


VARIADIC = """
#include <stdarg.h>
#include "tinykd_model.h"
int sum(int count, ...);
__attribute__((noinline)) int sum(int count, ...)
{
    va_list list;
    volatile int total = 0;
    va_start(list, count);
    for (int i = 0; i < count; ++i) {
        total += *va_arg(list, volatile int *);
    }
    va_end(list);
    return total;
}
int tinykd_fake_invoke(void *arena)
{
    volatile int x = ((const int8_t *)arena)[0], y = 1;
    return sum(2, &x, &y) == 1000;
}
"""

FAR = """
#include "tinykd_model.h"
#define MANY(x) x; x; x; x; x; x; x; x
int tinykd_fake_invoke(void *arena)
{
    volatile uint8_t *bytes = (volatile uint8_t *)arena;
    for (int i = 0; i < 2; ++i) {
        if (bytes[0] == 77u) {
            return 1;
        }
        MANY(MANY(MANY(bytes[1] = (uint8_t)(bytes[2] + bytes[3]))));
    }
    return 0;
}
"""


@pytest.mark.parametrize(("target", "toolchain"), CORES_AND_TOOLCHAINS)
@pytest.mark.parametrize("model", [VARIADIC, FAR], ids=["variadic", "far"])
def test_unusual_returns_and_far_jumps_are_understood(
    model: str, target: str, toolchain: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stack = fake_image(_own(tmp_path_factory), target, toolchain, model).stack
    assert stack.bytes is not None, stack.unknown


def _own(factory: pytest.TempPathFactory) -> Path:
    return factory.getbasetemp()
