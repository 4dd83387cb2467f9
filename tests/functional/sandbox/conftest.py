"""The miniature LMS with one tool installed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from sandbox.lms import Campus, create_lms
from sandbox.oidc import Tool

URL = "http://127.0.0.1:8701"
TOOL = Tool(
    client_id="client",
    deployment_id="1",
    login_url="http://localhost:8700/lti/x/login",
    launch_url="http://localhost:8700/lti/x/launch",
    jwks_url="http://localhost:8700/lti/x/jwks",
)


@pytest.fixture
def campus(tmp_path: Path) -> Campus:
    return Campus(url=URL, folder=tmp_path, tool=TOOL, tool_origin="http://localhost:8700")


@pytest.fixture
def lms(campus: Campus) -> Iterator[FlaskClient]:
    with create_lms(campus).test_client() as client:
        yield client
