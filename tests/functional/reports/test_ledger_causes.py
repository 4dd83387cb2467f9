"""Every mail leads to what caused it, whatever that was."""

from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.classroom.models import ClassSession, SessionState
from plugin.modules.models import ModuleKind, Run, RunState
from plugin.notify.models import ManagerRound, MessageKind
from plugin.submissions.models import SubmissionState, SubmittedCertificate
from tests.conftest import NOW
from tests.functional.assign.places import learn_anew, new_version
from tests.functional.notify.test_gate import tell
from tests.functional.reports.crowd import Crowd, rows, seen
from tests.support.html import read

MARCH_8 = date(2027, 3, 8)


def a_session(crowd: Crowd) -> tuple[str, str, str]:
    module = crowd.world.module("Rescue practice", kind=ModuleKind.SESSION)
    found = crowd.world.add(
        ClassSession(
            **of(crowd, module.id),
            starts_at=NOW + timedelta(days=7),
            ends_at=NOW + timedelta(days=7, hours=2),
            zone="Europe/London",
            place="Quay 2",
            note="",
            state=SessionState.CANCELLED,
            secret="s",
            created_at=NOW,
        )
    )
    return f"session:{found.id}", "Rescue practice", f"/teaching/{found.id}"


def a_submission(crowd: Crowd) -> tuple[str, str, str]:
    module, person = crowd.world.module("First aid"), crowd.world.person("Sue Bold")
    run = crowd.world.add(
        Run(
            **of(crowd, module.id),
            person_id=person.id,
            module_version_id=module.current_version_id,
            number=1,
            state=RunState.OPEN,
            started_at=NOW,
            last_activity_at=NOW,
        )
    )
    found = crowd.world.add(
        SubmittedCertificate(
            **of(crowd, module.id),
            person_id=person.id,
            run_id=run.id,
            name="First responder",
            issuer="Red Cross",
            issued_on=MARCH_8,
            file={},
            state=SubmissionState.REJECTED,
            submitted_at=NOW,
            reason="Not readable",
        )
    )
    return f"submission:{found.id}", "First responder", f"/admin/submissions/{found.id}"


def a_retraining(crowd: Crowd) -> tuple[str, str, str]:
    module = crowd.world.module("Ladders")
    new_version(module)
    decided = learn_anew(module, 2, date(2027, 6, 1), by=crowd.admin.id)
    page = f"/admin/modules/{module.id}/versions/2/before"
    return f"retraining:{decided}", "Ladders, version 2", page


def a_round(crowd: Crowd) -> tuple[str, str, str]:
    found = crowd.world.add(
        ManagerRound(organization_id=crowd.world.organization.id, day=MARCH_8, weekly=True, at=NOW)
    )
    return f"manager_round:{found.id}", "Mar 8, 2027", "/admin/overview?as_of=2027-03-08"


def of(crowd: Crowd, module_id: int) -> dict[str, Any]:
    return {"organization_id": crowd.world.organization.id, "module_id": module_id}


@pytest.mark.parametrize(
    ("kind", "cause_of"),
    [
        (MessageKind.SESSION_CANCELLED, a_session),
        (MessageKind.EVIDENCE_REJECTED, a_submission),
        (MessageKind.NEW_TRAINING, a_retraining),
        (MessageKind.MANAGER_DIGEST, a_round),
    ],
)
def test_the_list_and_the_file_name_the_cause_and_the_list_leads_to_it(
    crowd: Crowd, client: FlaskClient, kind: MessageKind, cause_of: Any
) -> None:
    cause, words, page = cause_of(crowd)
    tell(crowd.world.person("Ann Able", email="ann@example.test"), kind, cause=cause)
    crowd.world.sign_in(client, crowd.admin)
    assert rows(seen(client, "/admin/mail"))[0][4] == words
    links = [each.attributes["href"] for each in read(client.get("/admin/mail").text).all("a")]
    assert any(link.endswith(page) for link in links)
    assert client.get(page).status_code == 200
    assert words in client.get("/admin/mail.csv").get_data(as_text=True)
