"""From what the rules say of a person to what is printed on an edition."""

from datetime import datetime

from plugin.assign.facts import RowStatus
from plugin.assign.queries import Facts
from plugin.assign.standing import RowStanding, Standing
from plugin.assign.validity import local_date
from plugin.certs.facts import CertificateFacts, ModuleLine
from plugin.certs.models import Certificate
from plugin.org.models import Organization, Person


def printed_facts(
    organization: Organization,
    person: Person,
    certificate: Certificate,
    found: Facts,
    standing: Standing,
    number: int,
    *,
    tool_url: str,
    now: datetime,
) -> CertificateFacts:
    """What edition `number` says: names as they are now, and the required modules only."""
    configuration = found.lines[certificate.configuration_id]
    return CertificateFacts(
        organization=organization.name,
        person=person.full_name,
        unit=configuration.unit_name,
        configuration=configuration.name,
        modules=tuple(
            _line(row, found) for row in standing.rows if row.status is RowStatus.REQUIRED
        ),
        valid_through=standing.valid_through,
        credential_id=certificate.credential_id,
        passcode=certificate.passcode,
        verify_url=f"{tool_url}/v/{certificate.token}",
        passcode_url=f"{tool_url}/verify",
        edition=number,
        issued_on=local_date(now, standing.zone),
        locale=person.locale or organization.locale,
        logo_key=organization.logo_key,
    )


def _line(row: RowStanding, found: Facts) -> ModuleLine:
    return ModuleLine(
        title=found.modules[row.module_id].title,
        completed_on=row.completed_on,
        valid_through=row.valid_through,
        is_exempt=row.exempt,
        is_in_grace=row.by_grace,
    )
