"""Somebody without a browser: follows forms and redirects between the LMS and the tool."""

from collections import defaultdict
from http.cookies import SimpleCookie
from urllib.parse import urljoin, urlsplit

import requests

from tests.support.html import read


class Visitor:
    """Keeps cookies per host, also Secure ones over http (as browsers do on loopback)."""

    def __init__(self) -> None:
        self.cookies: dict[str, dict[str, str]] = defaultdict(dict)

    def ask(self, address: str, form: dict[str, str] | None = None) -> requests.Response:
        """The page at the end of all redirects; a form is posted."""
        method = "GET" if form is None else "POST"
        kept = self.cookies[urlsplit(address).netloc]
        answer = requests.request(
            method,
            address,
            data=form,
            headers={"Cookie": "; ".join(f"{name}={value}" for name, value in kept.items())},
            allow_redirects=False,
            timeout=10,
        )
        for said in answer.raw.headers.getlist("Set-Cookie"):
            for name, morsel in SimpleCookie(said.replace("Partitioned", "")).items():
                kept[name] = morsel.value
        if answer.is_redirect:
            return self.ask(urljoin(address, answer.headers["Location"]))
        return answer

    def send_on(self, answer: requests.Response) -> requests.Response:
        """Press the button of a page that is one form."""
        form = read(answer.text).all("form")[0]
        fields = {each.attributes["name"]: each.attributes["value"] for each in form.all("input")}
        return self.ask(urljoin(answer.url, form.attributes["action"]), fields)


def launched(lms: str, username: str) -> requests.Response:
    """What the frame shows when this person opens the training in the LMS."""
    visitor = Visitor()
    visitor.ask(f"{lms}/sign-in", {"username": username})
    login = visitor.ask(f"{lms}/launch/17")
    token = visitor.send_on(login)
    assert "id_token" in token.text, token.text
    return visitor.send_on(token)
