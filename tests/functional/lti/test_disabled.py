"""What a disabled LMS is told and believed: nothing, until it is enabled again."""

from datetime import timedelta

import pytest

from plugin.core.db import db
from plugin.jobs import periodic
from plugin.lti.tool.models import Registration, RegistrationState
from plugin.lti.tool.rosters import sync
from plugin.lti.tool.service_models import GradeState
from plugin.modules.models import Module
from tests.functional.lti.campus import Peer, grade
from tests.functional.lti.grade_story import (
    Done,
    complete,
    later,
    module,
    work,
)
from tests.functional.lti.roster_facts import members, problem
from tests.support.work import work_off

__all__ = ["complete", "module"]


def switch(state: RegistrationState) -> None:
    db.session.query(Registration).one().state = state
    db.session.commit()


def test_nobody_joins_a_unit_by_the_list_of_a_disabled_lms(peer: Peer, tie: int) -> None:
    switch(RegistrationState.DISABLED)
    before = len(peer.calls)
    sync(tie)
    assert members() == set()
    assert problem() == "this LMS is disabled here"
    assert len(peer.calls) == before
    switch(RegistrationState.ACTIVE)
    sync(tie)
    assert members() == {"6", "7", "8", "9"}


def test_grades_wait_while_an_lms_is_disabled(peer: Peer, module: Module, complete: Done) -> None:
    peer.launch(module=str(module.id))
    work()
    complete(module, score=0.8)
    switch(RegistrationState.DISABLED)
    work()
    assert peer.posted() == []
    assert (grade().state, grade().words) == (GradeState.WAITING, "this LMS is disabled here")
    switch(RegistrationState.ACTIVE)
    with later(timedelta(days=1)):
        periodic.ask_lmss()
        work_off()
    assert peer.grades.share(1, "6") == pytest.approx(0.8)
