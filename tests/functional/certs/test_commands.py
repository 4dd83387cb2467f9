"""The command line of certificates."""

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient

from plugin.certs.models import CertificateEvent
from plugin.cli import plugin
from plugin.core.db import db
from tests.functional.certs.proofs import certificate, learner
from tests.functional.certs.test_verify import check
from tests.support.world import World


def run(app: Flask, verb: str, credential: str, slug: str) -> Result:
    db.session.rollback()
    line = ["certificate", verb, "--organization", slug, "--credential", credential]
    with app.app_context():
        return CliRunner().invoke(plugin, [*line, "--reason", "as decided"], obj=app)


def test_a_certificate_is_suspended_lifted_and_revoked(
    app: Flask, world: World, client: FlaskClient
) -> None:
    learner(world).passes()
    credential, slug = certificate().credential_id, world.organization.slug
    for verb, words in (
        ("suspend", "Suspended since"),
        ("lift", "VALID"),
        ("revoke", "Revoked on"),
    ):
        result = run(app, verb, credential.lower(), slug)
        assert result.exit_code == 0, result.output
        assert words in check(client)
    assert db.session.query(CertificateEvent).count() == 3


@pytest.mark.parametrize("verb", ["revoke", "suspend", "lift"])
def test_another_organizations_certificate_is_not_found(
    app: Flask, world: World, verb: str
) -> None:
    learner(world).passes()
    other = world.new_organization("Other")
    result = run(app, verb, certificate().credential_id, other.slug)
    assert result.exit_code != 0
    assert db.session.query(CertificateEvent).count() == 0
