from flask.testing import FlaskClient


def test_a_fresh_installation_is_ready(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json == {
        "status": "ready",
        "checks": {"database": True, "queue": True, "migrations": True},
    }


def test_an_unknown_address_gets_a_page_with_a_code_and_a_reference(client: FlaskClient) -> None:
    answer = client.get("/nowhere")
    assert answer.status_code == 404
    page = answer.get_data(as_text=True)
    assert "http.not_found" in page
    assert "Reference" in page
    assert "frame-ancestors *" in answer.headers["Content-Security-Policy"]
