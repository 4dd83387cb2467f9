"""What the miniature LMS keeps: its tool, activities, grades and make outlive a restart."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, request

from sandbox.behaviour import behaviour_of
from sandbox.gradebook import Cell, Column, Gradebook
from sandbox.oidc import Tool
from sandbox.tokens import Placement

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
        "placements": [
            {"link_id": each.link_id, "title": each.title, "custom": dict(each.custom)}
            for each in app.extensions["placements"].values()
        ],
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
    app.extensions["placements"] = {
        each["link_id"]: Placement(**each) for each in said["placements"]
    }
    for each in said["columns"]:
        cells = {sub: Cell(**cell) for sub, cell in each.pop("cells").items()}
        grades.put(Column(**each, cells=cells))
    become(app, said["make"])


def _moved(tool: Tool, origin: str) -> Tool:
    """The tool may listen at another port than last time."""

    def there(address: str) -> str:
        return f"{origin}/{address.split('/', 3)[3]}"

    return Tool(
        client_id=tool.client_id,
        deployment_id=tool.deployment_id,
        login_url=there(tool.login_url),
        launch_url=there(tool.launch_url),
        jwks_url=there(tool.jwks_url),
    )


def become(app: Any, make: str) -> None:
    """The LMS behaves as one of this make does; its address and its people stay."""
    grades: Gradebook = app.extensions["gradebook"]
    grades.make, grades.behaviour = make, behaviour_of(make)
