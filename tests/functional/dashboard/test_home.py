"""The learner's page: every module once, every certificate in one word, and nothing hidden."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from plugin.assign.models import Waiver
from plugin.certs.models import Certificate, CertificateEvent, Edition
from plugin.certs.rules import EditionKind, EventKind
from plugin.core import clock
from plugin.modules.models import Module, ModuleKind, ModuleState, Run, RunState
from plugin.org.models import Person, Unit, UnitKind
from tests.conftest import NOW
from tests.functional.assign.places import HIDDEN, OPTIONAL, publish, row, training
from tests.support.html import Element, read
from tests.support.queries import counted
from tests.support.world import World

DAY = timedelta(days=1)
LONG_AGO = NOW - 400 * DAY


@dataclass
class Learner:
    """Ada, a member of North Quay for long, and her browser."""

    person: Person
    site: Unit
    client: FlaskClient

    def page(self, path: str = "/") -> Element:
        answer = self.client.get(path)
        assert answer.status_code == 200
        return read(answer.get_data(as_text=True))

    def tile(self, module: Module) -> Element:
        return self.page().by_id(f"module-{module.id}")

    def button(self, module: Module) -> str | None:
        starts = [
            each
            for each in self.tile(module).all("form")
            if each.attributes["action"].endswith("/start")
        ]
        buttons = [each for form in starts for each in form.all("button")]
        assert len(buttons) <= 1
        return buttons[0].words.split()[0] if buttons else None

    def certificates(self) -> list[Element]:
        return [each for each in self.page().all("article") if "proof-title" in _classes(each)]


def _classes(element: Element) -> str:
    return " ".join(each.attributes.get("class", "") for each in element.all("h2"))


@pytest.fixture
def ada(world: World, client: FlaskClient) -> Learner:
    with clock.at(LONG_AGO):
        person, site = world.person("Ada Byron"), world.unit("North Quay")
        world.member(person, site)
    world.sign_in(client, person)
    return Learner(person, site, client)


def run_of(world: World, person: Person, module: Module, state: RunState, **what: float) -> Run:
    return world.add(
        Run(
            organization_id=person.organization_id,
            person_id=person.id,
            module_id=module.id,
            module_version_id=module.current_version_id,
            number=world.number(),
            state=state,
            started_at=clock.now(),
            last_activity_at=clock.now(),
            ended_at=None if state is RunState.OPEN else clock.now(),
            **what,
        )
    )


def certificate(world: World, person: Person, configuration_id: int) -> Certificate:
    return world.add(
        Certificate(
            organization_id=person.organization_id,
            person_id=person.id,
            configuration_id=configuration_id,
            credential_id=f"HW-{world.number()}",
            token=f"token-{world.number()}",
            passcode=f"passcode-{world.number()}",
            created_at=clock.now(),
        )
    )


def edition(world: World, of: Certificate, number: int = 1, *, ready: bool = True) -> Edition:
    return world.add(
        Edition(
            organization_id=of.organization_id,
            certificate_id=of.id,
            number=number,
            kind=EditionKind.FIRST,
            facts={},
            issued_at=clock.now(),
            rendered_at=clock.now() if ready else None,
        )
    )


@pytest.mark.parametrize("path", ["/", "/history", "/certificates"])
def test_strangers_are_told_to_open_the_activity_again(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 401


def test_a_person_without_training_gets_a_friendly_page(world: World, client: FlaskClient) -> None:
    world.sign_in(client, world.person())
    page = read(client.get("/").get_data(as_text=True))
    assert "No training is assigned to you" in page.words
    assert page.all("form") == []


# Tiles


def test_a_tile_says_status_due_date_pass_mark_and_who_asks(world: World, ada: Learner) -> None:
    module = world.module("Confined spaces")
    training(ada.site, row(module, due_days=14, pass_mark=0.8))
    assert ada.tile(module).words == (
        "Confined spaces To do Due Mar 24, 2027 Pass mark 80% Asked by North Quay "
        "Start Confined spaces"
    )


def test_after_the_due_day_it_is_overdue(world: World, ada: Learner) -> None:
    module = world.module()
    training(ada.site, row(module, due_days=14))
    with clock.at(NOW + 14 * DAY):
        assert "Overdue" not in ada.tile(module).words
    with clock.at(NOW + 15 * DAY):
        assert "Overdue" in ada.tile(module).words


def test_two_units_make_one_tile_with_the_earliest_date_and_the_unit_that_sets_it(
    world: World, ada: Learner
) -> None:
    """The domain's second example."""
    module, group = world.module(), world.unit("Welders", kind=UnitKind.GROUP)
    world.member(ada.person, group)
    training(group, row(module, validity_months=12), name="Welding")
    training(ada.site, row(module, validity_months=6), name="Safety")
    world.completion(ada.person, module)
    words = ada.tile(module).words
    assert "Valid through Sep 10, 2027" in words
    assert "Asked by North Quay (sets the date), Welders" in words
    with clock.at(datetime(2027, 9, 10, 22, 59, tzinfo=UTC)):
        assert "Renew by Sep 10, 2027" in ada.tile(module).words
        assert [each.words.split()[0] for each in ada.certificates()] == ["VALID", "VALID"]
    with clock.at(datetime(2027, 9, 10, 23, 0, tzinfo=UTC)):  # midnight at the site
        assert "Was valid through Sep 10, 2027" in ada.tile(module).words
        found = {each.all("h2")[0].words: each.words.split()[0] for each in ada.certificates()}
        assert found == {"Safety North Quay": "INVALID", "Welding Welders": "VALID"}


def test_required_beats_optional_and_stands_first(world: World, ada: Learner) -> None:
    one, other, third = (world.module(title) for title in ("Alpha", "Beta", "Gamma"))
    group = world.unit("Welders", kind=UnitKind.GROUP)
    world.member(ada.person, group)
    training(ada.site, row(one, OPTIONAL), row(other, OPTIONAL), row(third))
    training(group, row(one), certificate=False)
    page = ada.page()
    assert [each.words for each in page.all("h2") if each.attributes.get("id")][-2:] == [
        "To do 2",
        "Optional 1",
    ]
    assert [each.words for each in page.all("h3")] == ["Alpha", "Gamma", "Beta"]


def test_what_presses_most_comes_first(world: World, ada: Learner) -> None:
    later, sooner, expired, overdue, soon = (
        world.module(title) for title in ("Later", "Sooner", "Expired", "Overdue", "Soon")
    )
    with clock.at(LONG_AGO):
        training(
            ada.site, row(overdue, due_days=5), row(expired, validity_months=1), certificate=False
        )
        world.completion(ada.person, expired)
    training(
        ada.site,
        row(later),
        row(sooner, due_days=20),
        row(soon, validity_months=1),
        name="More",
    )
    with clock.at(NOW - 20 * DAY):
        world.completion(ada.person, soon)
    titles = [each.words for each in ada.page().all("h3")]
    assert titles == ["Overdue", "Expired", "Soon", "Sooner", "Later"]


def test_the_button_says_what_happens(world: World, ada: Learner) -> None:
    fresh, running, failed, done, near, gone = (world.module(f"M{number}") for number in range(6))
    training(ada.site, *(row(each, validity_months=2) for each in (done, near, gone)))
    training(ada.site, row(fresh), row(running), row(failed), name="More")
    run_of(world, ada.person, running, RunState.OPEN, progress=0.4)
    run_of(world, ada.person, failed, RunState.FAILED, score=0.6)
    world.completion(ada.person, done)
    for module, days in ((near, 40), (gone, 90)):
        with clock.at(NOW - days * DAY):
            world.completion(ada.person, module)
    found = {each.title: ada.button(each) for each in (fresh, running, failed, done, near, gone)}
    assert found == {
        "M0": "Start",
        "M1": "Continue",
        "M2": "Retake",
        "M3": "Retake",
        "M4": "Renew",
        "M5": "Renew",
    }
    progress = ada.tile(running).all("progress")[0]
    assert (progress.attributes["value"], progress.attributes["max"]) == ("40", "100")
    assert "Last attempt 60%" in ada.tile(failed).words
    assert "Last attempt" not in ada.tile(done).words


def test_the_button_starts_the_module(world: World, ada: Learner) -> None:
    module = world.module()
    training(ada.site, row(module))
    form = ada.tile(module).all("form")[0]
    assert form.attributes["method"] == "post"
    answer = ada.client.post(form.attributes["action"])
    assert answer.status_code == 303
    assert ada.button(module) == "Continue"


def test_a_module_that_cannot_be_opened_has_no_button_and_says_so(
    world: World, ada: Learner
) -> None:
    grade = world.module("Grade", kind=ModuleKind.LMS_GRADE)
    old = world.module("Old")
    training(ada.site, row(grade), row(old))
    old.state = ModuleState.DRAFT
    world.add(old)
    assert (ada.button(grade), ada.button(old)) == (None, None)
    assert "Your teacher grades this in the LMS course." in ada.tile(grade).words
    assert "cannot be opened at the moment" in ada.tile(old).words


def test_an_exemption_is_shown_with_its_end(world: World, ada: Learner) -> None:
    module = world.module()
    configuration_id = training(ada.site, row(module))
    world.add(
        Waiver(
            organization_id=ada.person.organization_id,
            configuration_id=configuration_id,
            module_id=module.id,
            person_id=ada.person.id,
            reason="trained elsewhere",
            approved_by=world.person("Grace Hopper").id,
            from_at=NOW,
            until_on=date(2027, 6, 30),
        )
    )
    words = ada.tile(module).words
    assert "Exempt through Jun 30, 2027" in words
    assert "trained elsewhere" not in words
    with clock.at(NOW + 150 * DAY):
        assert "Was exempt through Jun 30, 2027" in ada.tile(module).words


def test_completed_for_ever_needs_no_date(world: World, ada: Learner) -> None:
    module = world.module()
    training(ada.site, row(module))
    world.completion(ada.person, module)
    assert "Completed Completed Mar 10, 2027" in ada.tile(module).words


# Hidden


def test_hidden_leaves_no_trace_on_any_page(world: World, ada: Learner) -> None:
    shown, secret = world.module("Shown"), world.module("Secret plans")
    training(ada.site, row(shown), row(secret, HIDDEN))
    world.completion(ada.person, shown)
    world.completion(ada.person, secret)
    run_of(world, ada.person, secret, RunState.OPEN, progress=0.3)
    home = ada.page()
    assert "1 of 1 module done" in home.words
    assert len(home.all("h3")) == 1
    for path in ("/", "/history", "/certificates"):
        answer = ada.client.get(path).get_data(as_text=True)
        assert "Secret plans" not in answer
        assert f"module-{secret.id}" not in answer
    assert ada.client.post(f"/modules/{secret.id}/start").status_code == 404


def test_hidden_does_not_suppress_what_another_unit_shows(world: World, ada: Learner) -> None:
    """The domain's third example."""
    module, group = world.module("Shared"), world.unit("Welders", kind=UnitKind.GROUP)
    world.member(ada.person, group)
    training(ada.site, row(module, HIDDEN))
    training(group, row(module))
    world.completion(ada.person, module)
    assert "Asked by Welders" in ada.tile(module).words
    assert "Shared" in ada.page("/history").words


def test_after_leaving_the_unit_its_training_and_certificate_are_gone_from_the_page(
    world: World, ada: Learner
) -> None:
    other, module = world.unit("South Quay"), world.module()
    membership = world.member(ada.person, other, since=LONG_AGO)
    own = certificate(world, ada.person, training(other, row(module)))
    world.completion(ada.person, module)
    world.add(
        CertificateEvent(
            organization_id=own.organization_id,
            certificate_id=own.id,
            kind=EventKind.REVOKED,
            at=NOW,
            reason="",
        )
    )
    assert len(ada.certificates()) == 1
    membership.until_at = NOW
    world.add(membership)
    assert ada.certificates() == []
    assert "No training is assigned to you" in ada.page().words
    assert module.title in ada.page("/history").words


# Certificates on top


def test_a_valid_certificate_says_through_when_and_that_nothing_is_to_do(
    world: World, ada: Learner
) -> None:
    module = world.module()
    own = certificate(world, ada.person, training(ada.site, row(module, validity_months=12)))
    world.completion(ada.person, module)
    assert "being prepared" in ada.certificates()[0].words
    edition(world, own)
    edition(world, own, 2, ready=False)
    [proof] = ada.certificates()
    assert proof.words == (
        "VALID Basic safety North Quay Valid through March 10, 2028 "
        "There is nothing you need to do now. 1 of 1 module done "
        "Download the certificate Basic safety (PDF) Why Basic safety"
    )
    [link, _why] = proof.all("a")
    assert link.attributes["href"] == f"/certificates/{own.id}/1.pdf"


def test_near_the_last_day_the_next_step_is_the_renewal(world: World, ada: Learner) -> None:
    module = world.module()
    training(ada.site, row(module, validity_months=1))
    world.completion(ada.person, module)
    with clock.at(NOW + DAY):
        [proof] = ada.certificates()
        assert "Renew Working at height by Apr 10, 2027" in proof.words
        assert proof.all("a")[0].attributes["href"] == f"#module-{module.id}"


def test_an_invalid_certificate_names_each_module_and_why(world: World, ada: Learner) -> None:
    expired, never, new = (world.module(title) for title in ("Expired", "Never", "New"))
    with clock.at(LONG_AGO):
        configuration_id = training(ada.site, row(expired, validity_months=12), row(never))
        world.completion(ada.person, expired)
    publish(configuration_id, row(expired, validity_months=12), row(never), row(new))
    [proof] = ada.certificates()
    assert proof.words.startswith("INVALID Basic safety North Quay Expired To make it valid,")
    assert [each.words for each in proof.all("a")] == [
        "Expired: expired on Feb 3, 2027",
        "Never: not completed yet",
        "New: required since Mar 10, 2027",
        "Why Basic safety",
    ]


def test_without_the_toggle_or_without_a_required_row_there_is_no_certificate(
    world: World, ada: Learner
) -> None:
    training(ada.site, row(world.module("One")), certificate=False, name="Off")
    training(ada.site, row(world.module("Two"), OPTIONAL), name="Nothing required")
    assert ada.certificates() == []


@pytest.mark.parametrize(
    ("kinds", "word"),
    [
        ([EventKind.SUSPENDED], "SUSPENDED"),
        ([EventKind.SUSPENDED, EventKind.LIFTED], "VALID"),
        ([EventKind.SUSPENDED, EventKind.LIFTED, EventKind.REVOKED], "REVOKED"),
    ],
)
def test_what_an_admin_withholds_is_said_first(
    world: World, ada: Learner, kinds: list[EventKind], word: str
) -> None:
    module = world.module()
    own = certificate(world, ada.person, training(ada.site, row(module)))
    edition(world, own)
    world.completion(ada.person, module)
    for place, kind in enumerate(kinds):
        world.add(
            CertificateEvent(
                organization_id=own.organization_id,
                certificate_id=own.id,
                kind=kind,
                at=NOW - (10 - place) * DAY,
                reason="a private reason",
            )
        )
    [proof] = ada.certificates()
    assert proof.words.split()[0] == word
    assert "private" not in proof.words
    assert ("Download" in proof.words) == (word == "VALID")


# Words, dates, cost


def test_dates_are_written_in_the_persons_language(world: World, ada: Learner) -> None:
    module = world.module()
    training(ada.site, row(module, validity_months=12))
    world.completion(ada.person, module)
    ada.person.locale = "de"
    world.add(ada.person)
    page = ada.page()
    assert "10.03.2028" in page.words
    assert page.all("html")[0].attributes["lang"] == "en"  # that of the words


def test_days_are_those_of_the_units_zone(world: World, ada: Learner) -> None:
    """9:30 on 10 March in London is already the 11th on Kiritimati's calendar at 10:30 UTC."""
    far = world.unit("Line Islands", time_zone="Pacific/Kiritimati")
    world.member(ada.person, far, since=LONG_AGO)
    module = world.module()
    with clock.at(NOW + timedelta(hours=1)):
        training(far, row(module, validity_months=12))
        world.completion(ada.person, module)
        assert "Valid through Mar 11, 2028" in ada.tile(module).words


def test_names_are_printed_as_words_never_as_markup(world: World, ada: Learner) -> None:
    module = world.module("<script>alert(1)</script>")
    training(ada.site, row(module), name="<b>Bold</b>")
    page = ada.client.get("/").get_data(as_text=True)
    assert "<script>alert" not in page
    assert "<b>Bold" not in page


def test_the_page_costs_three_statements_with_one_module_and_with_fifty(
    world: World, ada: Learner
) -> None:
    modules = [world.module(f"Module {number:02}") for number in range(51)]
    training(ada.site, row(modules[0], validity_months=1))
    with counted() as for_one:
        assert len(ada.page().all("h3")) == 1
    group = world.unit("Welders", kind=UnitKind.GROUP)
    world.member(ada.person, group)
    own = certificate(world, ada.person, training(group, *(row(each) for each in modules[1:])))
    edition(world, own)
    for each in modules[10:30]:
        world.completion(ada.person, each)
        run_of(world, ada.person, each, RunState.COMPLETED, score=0.9)
    for each in modules[30:40]:
        run_of(world, ada.person, each, RunState.OPEN, progress=0.5)
    with counted() as for_fifty:
        assert len(ada.page().all("h3")) == 51
    assert len(for_one) == len(for_fifty) == 4  # who is asking, two for the page, one for mail


def test_nothing_of_another_person_or_organization_is_shown(world: World, ada: Learner) -> None:
    module = world.module()
    training(ada.site, row(module))
    grace = world.person("Grace Hopper")
    world.member(grace, ada.site)
    world.completion(grace, module)
    run_of(world, grace, module, RunState.OPEN, progress=0.9)
    other = world.new_organization("Other")
    site = world.unit("Theirs", organization=other)
    training(site, row(world.module("Their module", organization=other)))
    assert ada.button(module) == "Start"
    assert "Their module" not in ada.page().words
    assert "Nothing here yet" in ada.page("/history").words


def test_names_keep_their_direction_inside_sentences_written_from_the_right(
    world: World, ada: Learner
) -> None:
    module = world.module("Confined spaces")
    training(ada.site, row(module))
    ada.person.locale = "ar"
    world.add(ada.person)
    page = ada.page()
    assert page.all("html")[0].attributes["dir"] == "rtl"
    assert "\u2068Confined spaces\u2069" in page.words
