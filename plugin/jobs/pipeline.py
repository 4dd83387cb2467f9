"""The product's flow, one step per function, top to bottom; each step's row is the next's input."""

from collections.abc import Callable
from typing import TypeVar

from plugin.core.db import Tx

F = TypeVar("F", bound=Callable[..., None])
Step = Callable[..., None]


def long_step(function: F) -> F:
    """Mark a step that opens its own short transactions (it must be safe to run again)."""
    function.is_long = True  # type: ignore[attr-defined]
    return function


__all__ = ["Step", "Tx", "long_step"]
