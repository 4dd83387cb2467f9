import pytest
from flask.testing import FlaskClient

from plugin.modules.models import Run
from tests.conftest import CONTENT, TOOL
from tests.support.html import read
from tests.support.packages import package
from tests.support.play import Player, brought_in, started
from tests.support.world import World

FILES = {
    "page.php": "<?php echo 1;",
    ".htaccess": "x",
    "img/Logo.PNG": b"\x89PNG",
    "a b.html": "<p>space</p>",
    "c%20d.html": "<p>coded</p>",
    "two  spaces.html": "<p>spaces</p>",
    "video.mp4": bytes(range(256)) * 8,
    "run.exe": "MZ",
    "CON.html": "x",
}


@pytest.fixture
def run(world: World) -> Run:
    return started(brought_in(world, package(FILES), title="Ladders & more"), world.person())


@pytest.fixture
def player(client: FlaskClient, run: Run) -> Player:
    return Player(client, run)


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("index.html", "text/html"),
        ("img/Logo.PNG", "image/png"),
        ("IMG/logo.png", "image/png"),
        ("a%20b.html", "text/html"),
        ("c%20d.html", "text/html"),
        ("c%2520d.html", "text/html"),
        ("two%20%20spaces.html", "text/html"),
        ("two%20spaces.html", "text/html"),
        ("video.mp4", "video/mp4"),
    ],
)
def test_files_are_served_as_what_they_are_whatever_the_case(
    player: Player, name: str, media_type: str
) -> None:
    answer = player.get(f"files/{name}")
    assert (answer.status_code, answer.mimetype) == (200, media_type)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["page.php", ".htaccess", "run.exe"])
def test_what_is_not_on_the_list_is_only_downloaded(player: Player, name: str) -> None:
    answer = player.get(f"files/{name}")
    assert answer.mimetype == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    "name",
    [
        "../secret",
        "..%2f..%2fproduct.db",
        "%2e%2e/x",
        "nope.html",
        "",
        "img",
        "a%00b",
        "..%5cx",
        "index.html/x",
        "a" * 300,
        "a/" * 3000,
    ],
)
def test_nothing_outside_the_package_is_served(player: Player, name: str) -> None:
    assert player.get(f"files/{name}").status_code == 404


def test_headers_of_files(player: Player) -> None:
    headers = player.get("files/index.html").headers
    assert headers["Content-Security-Policy"] == (
        f"frame-ancestors 'self' {TOOL} https://lms.example.test"
    )
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Permissions-Policy"] == "unload=*"
    assert headers["Cache-Control"] == "private, max-age=43200, immutable"
    assert "Set-Cookie" not in headers


def test_the_players_page_is_strict_and_needs_no_cookie(player: Player) -> None:
    answer = player.get()
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'" in policy
    assert f"frame-ancestors 'self' {TOOL} https://lms.example.test" in policy
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    text = answer.get_data(as_text=True)
    assert "Ladders &amp; more" in text
    assert 'integrity="sha384-' in text


def test_parts_of_a_file_can_be_asked_for(player: Player, client: FlaskClient) -> None:
    answer = client.get(
        f"/c/{player.token}/files/video.mp4",
        headers={"Range": "bytes=10-19"},
        base_url=CONTENT,
    )
    assert answer.status_code == 206
    assert answer.get_data() == bytes(range(10, 20))


def test_the_player_lives_on_the_content_origin_only(player: Player, client: FlaskClient) -> None:
    assert client.get(f"/c/{player.token}/", base_url=TOOL).status_code == 404
    assert client.get(f"/c/{player.token}/files/index.html", base_url=TOOL).status_code == 404
    assert client.get("/admin/modules", base_url=CONTENT).status_code == 404


def test_a_person_with_an_old_address_gets_a_sentence(player: Player, client: FlaskClient) -> None:
    answer = client.get("/c/unknown/", base_url=CONTENT)
    assert answer.status_code == 404
    assert "was not opened from your list" in answer.get_data(as_text=True)
    assert "<script" not in answer.get_data(as_text=True)


def test_a_sitting_keeps_what_it_cannot_deliver_under_a_name_no_other_course_knows(
    client: FlaskClient, world: World, player: Player, run: Run
) -> None:
    """All courses share the storage of the packages' origin."""

    def name(found: Player) -> str:
        (body,) = read(found.get().get_data(as_text=True)).all("body")
        return body.attributes["data-outbox"]

    other = started(brought_in(world, package()), world.person())
    mine, theirs = name(player), name(Player(client, other))
    assert name(Player(client, run)) == mine, "found again at the next opening"
    assert mine != theirs
    assert len(mine) == len(theirs) == 32
