"""Third-party cookies off: while that is switched on, the tool has no cookie in a frame.

No page can forbid a browser the cookies of what it frames: partitioned ones work in sandboxed and
credentialless frames too. So the demo's tool is served through a door that takes them away.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FRAMED = frozenset({"iframe", "frame", "embed", "object"})
Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class NoCookies:
    """A switch that two processes see: on while its file is there."""

    path: Path

    @property
    def is_on(self) -> bool:
        return self.path.exists()

    def switch(self, *, on: bool) -> None:
        if on:
            self.path.touch()
        else:
            self.path.unlink(missing_ok=True)


def behind_the_door(tool: Application, switch: NoCookies) -> Application:
    """The tool as a browser knows it that keeps no cookie in a frame, while that is switched on.

    A page in a window of its own has its cookies, as it has in such a browser.
    """

    def serve(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if environ.get("HTTP_SEC_FETCH_DEST") not in FRAMED or not switch.is_on:
            return tool(environ, start)
        environ.pop("HTTP_COOKIE", None)

        def begin(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            kept = [each for each in headers if each[0].lower() != "set-cookie"]
            return start(status, kept, *more)

        return tool(environ, begin)

    return serve
