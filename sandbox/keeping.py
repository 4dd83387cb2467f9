"""What the miniature LMS keeps: its tool, courses, grades and make outlive a restart."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, request

from sandbox.behaviour import behaviour_of
from sandbox.gradebook import Cell, Column, Gradebook
from sandbox.oidc import Tool
from sandbox.tokens import Course, Placement

CHANGES = frozenset({"POST", "PUT", "DELETE"})


def keep(answer: Response) -> Response:
    """After whatever may have changed something, all of it is on the disk."""
    if request.method in CHANGES:
        path = _path(current_app)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(_state(current_app)), encoding="utf-8")
        part.replace(path)
    return answer


def _path(app: Any) -> Path:
    folder: Path = app.extensions["campus"].folder
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "state.json"


def _state(app: Any) -> dict[str, Any]:
    grades: Gradebook = app.extensions["gradebook"]
    return {
        "tool": asdict(app.extensions["tool"]),
        "registered": asdict(app.extensions["campus"].tool),
        "courses": [asdict(each) for each in app.extensions["courses"].values()],
        "placements": [asdict(each) for each in app.extensions["placements"].values()],
        "columns": [asdict(each) for each in list(grades.columns.values())],
        "make": grades.make,
    }


def restore(app: Flask) -> None:
    """What was kept is there again. A demo that was prepared anew brings its own tool."""
    path = _path(app)
    if not path.exists():
        return
    said, grades = json.loads(path.read_text(encoding="utf-8")), app.extensions["gradebook"]
    if said["registered"]["client_id"] == app.extensions["campus"].tool.client_id:
        app.extensions["tool"] = _moved(Tool(**said["tool"]), app.extensions["campus"].tool_origin)
    origin = app.extensions["campus"].tool_origin
    for each in said["courses"]:
        course = Course(**{name: _frozen(value) for name, value in each.items()})
        app.extensions["courses"][course.id] = course
    app.extensions["placements"] = {
        each["link_id"]: Placement(**{**each, "url": _there(each["url"], origin)})
        for each in said["placements"]
    }
    for each in said["columns"]:
        cells = {sub: Cell(**cell) for sub, cell in each.pop("cells").items()}
        grades.put(Column(**each, cells=cells))
    become(app, said["make"])


def _moved(tool: Tool, origin: str) -> Tool:
    """The tool may listen at another port than last time."""

    return replace(
        tool,
        login_url=_there(tool.login_url, origin),
        launch_url=_there(tool.launch_url, origin),
        jwks_url=_there(tool.jwks_url, origin),
    )


def _there(address: str, origin: str) -> str:
    return f"{origin}/{address.split('/', 3)[3]}" if address else ""


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def become(app: Any, make: str) -> None:
    """The LMS behaves as one of this make does; its address and its people stay."""
    grades: Gradebook = app.extensions["gradebook"]
    grades.make, grades.behaviour = make, behaviour_of(make)
    app.extensions["tokens"].audience = grades.behaviour.token_audience
