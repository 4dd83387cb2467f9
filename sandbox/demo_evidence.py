"""What the demo's people do beside courses.

A document to acknowledge, a certificate from elsewhere, a test graded in the LMS, a session.
"""

import io
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from plugin.certs import faces, pdf
from plugin.classroom import planning
from plugin.classroom.models import SessionState
from plugin.core import clock
from plugin.core.context import storage
from plugin.core.db import transaction
from plugin.documents import actions as documents
from plugin.modules import by_lms
from plugin.submissions import actions as submissions
from sandbox.moving import ZONE

YARD_RULES = "Yard rules"
_RULES = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Yard rules</title>
<style>@page {{ size: a4 portrait; margin: 64pt; }} body {{ font-size: 13pt; line-height: 1.5; }}
h1 {{ font-size: 26pt; }} p.small {{ font-size: 9pt; color: #51606e; }}</style></head><body>
<h1>Yard rules</h1><p>Northwind Harbours, all sites</p><ol>{rules}</ol>
<p class="small">Questions: ask the shift leader before you begin.</p></body></html>"""
_SENTENCES = (
    "Sign in at the gate and wear the badge where it can be seen.",
    "Helmet, high-visibility vest and safety shoes beyond the yellow line.",
    "Walk on the marked ways; vehicles and cranes go first.",
    "Nobody stands below a hanging load.",
    "Keep gangways, ladders and fire points clear.",
    "Say what nearly went wrong on the same day, to your shift leader.",
)


def yard_rules(organization_id: int) -> int:
    """The module that is the yard's rules, to be read and acknowledged."""
    items = "".join(f"<li>{each}</li>" for each in _SENTENCES)
    content = pdf.make(_RULES.format(rules=items), files=faces.FOLDER)
    kept = documents.keep_pdf(storage(), organization_id, io.BytesIO(content), scanner="")
    with transaction() as tx:
        return documents.create(
            tx,
            organization_id,
            title=YARD_RULES,
            kept=kept,
            filename="yard-rules.pdf",
            by=None,
            now=clock.now(),
        ).id


def first_aid(organization_id: int) -> int:
    """The module that a first-aider's certificate completes."""
    with transaction() as tx:
        return submissions.create_module(
            tx,
            organization_id,
            title="First aid",
            words="A certificate of a recognized trainer: in person, at least sixteen lessons.",
            by=None,
            now=clock.now(),
        ).id


def forklift_test(organization_id: int) -> int:
    """The module that a grade given in the LMS completes."""
    with transaction() as tx:
        return by_lms.create(
            tx,
            organization_id,
            title="Forklift test",
            pass_share=0.8,
            by=None,
            now=clock.now(),
        ).id


def practice(organization_id: int) -> int:
    """The module that is completed by being at a session, with two to choose: one goes on now."""
    now = clock.now()
    today = now.astimezone(ZoneInfo(ZONE)).replace(tzinfo=None, second=0, microsecond=0)
    in_a_week = datetime.combine(today + timedelta(days=7), time(9))
    with transaction() as tx:
        module = planning.create_module(
            tx,
            organization_id,
            title="Rescue practice",
            words="Bring your own harness. It takes place in any weather.",
            confirms=True,
            by=None,
            now=now,
        )
        for starts, place in ((today, "Quay 2"), (in_a_week, "Training yard, hall 3")):
            plan = planning.Plan(
                starts=starts,
                ends=starts + timedelta(hours=3),
                zone=ZONE,
                place=place,
                instructor="",
                capacity=8,
                note="",
                state=SessionState.OPEN,
            )
            planning.plan(tx, module, plan, by=None, now=now)
        return module.id
