"""Waiting for a condition with a deadline, instead of sleeping for a while and hoping."""

import asyncio
import inspect
import threading
import time
from collections.abc import Callable
from typing import Any


async def until(condition: Callable[[], Any], *, seconds: float = 10, what: str = "condition") -> Any:
    """Return the first truthy result of `condition` (plain or async); fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if inspect.isawaitable(result):
            result = await result
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {seconds} s")
        await asyncio.sleep(0.02)


def until_sync(
    condition: Callable[[], Any], *, seconds: float = 10, what: str = "condition", every: float = 0.05
) -> Any:
    """Return the first truthy result of `condition`, where no event loop runs; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {seconds} s")
        pause.wait(every)
    return result
