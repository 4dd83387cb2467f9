import pytest

from plugin.scorm.addresses import file_of, host_of
from plugin.scorm.described import described
from plugin.scorm.editions import Version
from plugin.scorm.findings import RefusedPackageError
from plugin.scorm.manifest import parse
from tests.support import packages2004
from tests.support.packages import item, manifest, resource

SCHEMA_2004 = "2004 4th Edition"
ENTITY = b"<!DOCTYPE m [<!ENTITY a %s>]><manifest>&a;</manifest>"
WITHOUT_ORGANIZATION = (
    manifest(items="")
    .replace(b"<organization ", b"<other ")
    .replace(b"</organization>", b"</other>")
)


def manifest_2004(items: str, *, collection: str = "", schema: str = SCHEMA_2004) -> bytes:
    return f"""<manifest identifier="M" xmlns="http://www.imsglobal.org/xsd/imscp_v1p1"
 xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_v1p3" xmlns:imsss="http://www.imsglobal.org/xsd/imsss"
 xmlns:adlseq="http://www.adlnet.org/xsd/adlseq_v1p3"
 xmlns:adlnav="http://www.adlnet.org/xsd/adlnav_v1p3">
<metadata><schemaversion>{schema}</schemaversion></metadata>
<organizations default="O"><organization identifier="O" adlseq:objectivesGlobalToSystem="false">
<title>T</title>
{items}</organization></organizations>
<resources><resource identifier="R1" adlcp:scormType="sco" href="a.html"/></resources>
{collection}</manifest>""".encode()


def refused(content: bytes) -> str:
    with pytest.raises(RefusedPackageError) as refusal:
        parse(content)
    return refusal.value.finding.code


def codes(content: bytes) -> list[str]:
    return [finding.code for finding in parse(content).findings]


def test_a_plain_manifest_says_its_version_title_and_what_to_play() -> None:
    found = parse(manifest(mastery=" 80 ", title="  Working\n at height "))
    assert (found.version, found.title, found.identifier) == (
        Version.SCORM_12,
        "Working at height",
        "M1",
    )
    (only,) = found.playable()
    assert (only.identifier, only.href, only.is_sco, only.mastery_score) == (
        "I1",
        "index.html",
        True,
        "80",
    )
    assert found.findings == ()


def test_every_element_of_scorm_1_2_is_read() -> None:
    inside = (
        '<adlcp:prerequisites type="aicc_script">A&amp;B</adlcp:prerequisites>'
        "<adlcp:maxtimeallowed>00:30:00</adlcp:maxtimeallowed>"
        "<adlcp:timelimitaction>exit,message</adlcp:timelimitaction>"
        "<adlcp:datafromlms>x=1</adlcp:datafromlms>"
    )
    content = manifest(items=item(inside=inside))
    (only,) = parse(content).playable()
    assert (
        only.prerequisites,
        only.max_time_allowed,
        only.time_limit_action,
        only.data_from_lms,
    ) == ("A&B", "00:30:00", "exit,message", "x=1")
    assert codes(content) == []


def test_empty_prerequisites_are_no_prerequisites() -> None:
    inside = '<adlcp:prerequisites type="aicc_script"></adlcp:prerequisites>'
    assert codes(manifest(items=item(inside=inside))) == []


def test_items_nest_and_play_in_the_order_of_the_course() -> None:
    items = item(
        "A", "Chapter", "", inside=item("A.1", resource="R1") + item("A-2", resource="R2")
    ) + item("B_1", resource="R1")
    resources = resource("R1", "one.html") + resource("R2", "two.html", "asset")
    found = parse(manifest(items=items, resources=resources))
    assert [(each.identifier, each.href, each.is_sco) for each in found.playable()] == [
        ("A.1", "one.html", True),
        ("A-2", "two.html", False),
        ("B_1", "one.html", True),
    ]
    assert [each.identifier for each in found.items] == ["A", "B_1"]


def test_whitespace_in_ids_is_collapsed() -> None:
    items = '<item identifier="   SEQ01   " identifierref=" R1 "><title>x</title></item>'
    (only,) = parse(manifest(items=items)).playable()
    assert only.identifier == "SEQ01"


def test_xml_base_of_manifest_resources_and_resource_are_joined() -> None:
    content = (
        manifest(resources=resource().replace("<resource ", '<resource xml:base="c/" '))
        .replace(b"<resources>", b'<resources xml:base="b/">')
        .replace(b"<manifest ", b'<manifest xml:base="a/" ')
    )
    (only,) = parse(content).playable()
    assert only.href == "a/b/c/index.html"


@pytest.mark.parametrize("base", ["v1.2", "v1.2/", "./v1.2", "v1.2\\"])
def test_a_base_is_a_folder_with_or_without_its_last_slash(base: str) -> None:
    content = manifest(resources=resource().replace("<resource ", f'<resource xml:base="{base}" '))
    assert file_of(parse(content).playable()[0].href) == "v1.2/index.html"


@pytest.mark.parametrize(
    ("href", "parameters", "expected"),
    [
        ("a.html", "?x=1", "a.html?x=1"),
        ("a.html", "&amp;x=1", "a.html?x=1"),
        ("a.html", "x=1", "a.html?x=1"),
        ("a.html?y=2", "?x=1", "a.html?y=2&x=1"),
        ("a.html#top", "?x=1", "a.html?x=1#top"),
        ("a.html", "#part", "a.html#part"),
        ("a.html#top", "#part", "a.html#top"),
        ("a.html", "", "a.html"),
    ],
)
def test_parameters_join_the_address(href: str, parameters: str, expected: str) -> None:
    items = (
        f'<item identifier="I" identifierref="R1" parameters="{parameters}"><title>x</title></item>'
    )
    (only,) = parse(manifest(items=items, resources=resource(href=href))).playable()
    assert only.href == expected


def test_a_missing_default_organization_is_said_and_the_first_one_used() -> None:
    content = manifest().replace(b'default="O1"', b'default="NOPE"')
    assert codes(content) == ["manifest.default_missing"]
    assert parse(content).playable()


def test_items_that_open_nothing_are_said_and_not_played() -> None:
    items = (
        item("A", "Gone", "NOPE") + item("B", "No address", "R2") + item("C", "Empty", "") + item()
    )
    content = manifest(items=items, resources=resource() + resource("R2", ""))
    assert codes(content) == ["manifest.no_resource", "manifest.no_href", "manifest.empty_item"]
    assert [each.identifier for each in parse(content).playable()] == ["I1"]


@pytest.mark.parametrize("names", [("A", "A"), ("A", "A-3", "A"), ("A", "A", "A-2")])
def test_items_with_one_id_stay_apart(names: tuple[str, ...]) -> None:
    content = manifest(items="".join(item(name) for name in names))
    assert set(codes(content)) == {"manifest.double_id"}
    found = [each.identifier for each in parse(content).playable()]
    assert len(set(found)) == len(found) == len(names)


@pytest.mark.parametrize(
    ("written", "is_visible"),
    [("false", False), ("False", False), ("0", False), ("true", True), ("1", True), ("yes", True)],
)
def test_invisible_items_are_marked(written: str, is_visible: bool) -> None:
    items = f'<item identifier="I" identifierref="R1" isvisible="{written}"><title>x</title></item>'
    assert parse(manifest(items=items)).playable()[0].is_visible is is_visible


@pytest.mark.parametrize(
    ("written", "is_global"),
    [("", True), ("true", True), ("1", True), ("false", False), ("0", False)],
)
@pytest.mark.parametrize(
    ("said", "kind"),
    [("adlseq:objectives", "objectives"), ("adlcp:sharedData", "data")],
)
def test_objectives_and_data_are_global_to_the_system_unless_the_course_says_no(
    said: str, kind: str, written: str, is_global: bool
) -> None:
    attributes = f'{said}GlobalToSystem="{written}"' if written else ""
    found = parse(packages2004.manifest(packages2004.part("ONE"), attributes=attributes))
    assert getattr(found, f"{kind}_global_to_system") is is_global
    assert described(found)[f"is_{'data_' if kind == 'data' else ''}global_to_system"] is is_global


@pytest.mark.parametrize(
    ("schema", "version"),
    [
        ("1.2", Version.SCORM_12),
        ("CAM 1.3", Version.SCORM_2004_2ND),
        ("2004 3rd Edition", Version.SCORM_2004_3RD),
        ("2004 4th Edition", Version.SCORM_2004_4TH),
        ("SCORM 1.2", Version.SCORM_12),
        ("1.3", Version.SCORM_2004_2ND),
        ("2004 3rd", Version.SCORM_2004_3RD),
        ("SCORM 2004 4th edition", Version.SCORM_2004_4TH),
    ],
)
def test_the_version_is_what_the_manifest_says(schema: str, version: Version) -> None:
    assert parse(manifest(schema=schema)).version is version


def test_without_a_known_version_the_namespace_decides_and_it_is_said() -> None:
    content = manifest(schema="9.9")
    assert parse(content).version is Version.SCORM_12
    assert codes(content) == ["manifest.version"]
    later = manifest_2004(item(), schema="")
    assert parse(later).version is Version.SCORM_2004_3RD
    assert codes(later) == ["manifest.no_edition"]
    assert codes(manifest_2004(item(), schema="2004")) == ["manifest.no_edition"]


def test_scorm_1_2_need_not_name_its_version() -> None:
    content = manifest().replace(b"<schemaversion>1.2</schemaversion>", b"")
    assert parse(content).version is Version.SCORM_12
    assert codes(content) == []


def test_a_version_in_words_is_enough_without_a_namespace() -> None:
    content = b"""<manifest><metadata><schemaversion>SCORM 1.2</schemaversion></metadata>
<organizations><organization><item identifierref="R"><title>One</title></item></organization>
</organizations><resources><resource identifier="R" scormtype="sco" href="a.html"/></resources>
</manifest>"""
    assert parse(content).version is Version.SCORM_12
    assert codes(content) == []


def test_prefixes_that_nobody_declares_are_read_as_usual() -> None:
    content = manifest(mastery="80").replace(
        b' xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_rootv1p2"', b' xsi:schemaLocation="a b"'
    )
    found = parse(content)
    assert codes(content) == ["manifest.prefix"]
    assert (found.items[0].is_sco, found.items[0].mastery_score) == (True, "80")
    unnamed = content.replace(b"<schemaversion>1.2</schemaversion>", b"")
    assert parse(unnamed).version is Version.SCORM_12


def test_a_title_that_was_escaped_twice_is_read_as_meant() -> None:
    title = "Health &amp;amp; Safety: 5 &amp;#60; 6 &amp; more&amp;nbsp;"
    found = parse(manifest(title=title, items=item(title="&amp;quot;Start&amp;quot; AT&amp;T")))
    assert (found.title, found.items[0].title) == ("Health & Safety: 5 < 6 & more", '"Start" AT&T')


@pytest.mark.parametrize(
    ("said", "meant", "told"),
    [("80", 0.8, "0.8"), ("100", 1.0, "1"), ("1.0", 1.0, "1.0"), ("0.75", 0.75, "0.75")],
)
def test_a_measure_written_in_hundredths_is_one_that_can_be_reached(
    said: str, meant: float, told: str
) -> None:
    rules = (
        '<imsss:sequencing><imsss:objectives><imsss:primaryObjective satisfiedByMeasure="true">'
        f"<imsss:minNormalizedMeasure>{said}</imsss:minNormalizedMeasure>"
        "</imsss:primaryObjective></imsss:objectives></imsss:sequencing>"
        f'<adlcp:completionThreshold completedByMeasure="true" minProgressMeasure="{said}"/>'
    )
    content = packages2004.manifest(packages2004.part("ONE", rules))
    found = described(parse(content))
    (part,) = found["items"]
    assert (part["scaled_passing_score"], part["completion_threshold"]) == (told, told)
    (leaf,) = found["tree"]["children"]
    assert leaf["primaryObjective"]["minNormalizedMeasure"] == meant
    assert leaf["completionThreshold"]["minProgressMeasure"] == meant
    assert codes(content) == (["manifest.measure"] * 2 if float(said) > 1 else [])


def test_a_heading_of_scorm_2004_that_opens_a_page_has_it_as_its_first_part() -> None:
    inside = '<item identifier="I1-page" identifierref="R1"><title>One</title></item>'
    found = parse(manifest_2004(item(title="Home", inside=inside)))
    (home,) = found.items
    assert (home.title, home.href, home.is_sco) == ("Home", "", False)
    assert [(each.title, each.href, each.is_sco) for each in found.playable()] == [
        ("Home", "a.html", True),
        ("One", "a.html", True),
    ]
    assert len({each.identifier for each in home.walk()}) == 3
    (same,) = parse(manifest(items=item(inside=inside))).items
    assert (same.href, len(same.children)) == ("index.html", 1)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"<course/>", "manifest.not_a_manifest"),
        (b"<manifest><organizations/></manifest>", "manifest.not_scorm"),
        (manifest().replace(b"</resources>", b"</resources><manifest/>"), "manifest.submanifest"),
        (WITHOUT_ORGANIZATION, "manifest.no_organization"),
        (manifest(items=""), "manifest.nothing_to_play"),
        (b"<manifest><open></manifest>", "manifest.xml"),
        (b"", "manifest.xml"),
        (b'<?xml version="1.0" encoding="x-none"?><manifest>', "manifest.xml"),
        (b"<manifest>" + b"<item>" * 80 + b"</item>" * 80 + b"</manifest>", "manifest.too_deep"),
        (ENTITY % b'"aaaa"', "manifest.entities"),
        (ENTITY % b'SYSTEM "file:///etc/passwd"', "manifest.entities"),
    ],
)  # fmt: skip
def test_what_cannot_be_played_is_refused_with_its_reason(content: bytes, code: str) -> None:
    assert refused(content) == code


def test_a_malformed_manifest_is_refused_with_the_line() -> None:
    with pytest.raises(RefusedPackageError) as refusal:
        parse(manifest().replace(b"</organizations>", b""))
    assert refusal.value.finding.facts["line"] > 1


def test_a_plain_doctype_is_harmless() -> None:
    assert parse(
        manifest().replace(b"<manifest ", b"<!DOCTYPE manifest>\n<manifest ", 1)
    ).playable()


@pytest.mark.parametrize("kind", ['SYSTEM "imscp.dtd"', 'PUBLIC "-//X" "http://x.example/x.dtd"'])
def test_a_doctype_kept_elsewhere_is_not_fetched(kind: str) -> None:
    doctype = f"<!DOCTYPE manifest {kind}>\n<manifest ".encode()
    assert codes(manifest().replace(b"<manifest ", doctype, 1)) == []


def test_entities_kept_elsewhere_are_refused() -> None:
    doctype = b'<!DOCTYPE m [<!ENTITY % x SYSTEM "http://x.example/x.dtd"> %x;]>\n<manifest '
    assert refused(manifest().replace(b"<manifest ", doctype, 1)) == "manifest.entities"


@pytest.mark.parametrize(
    ("declared", "encoding", "title"),
    [
        ("GB2312", "gb2312", "安全培训"),
        ("gbk", "gbk", "安全培訓"),
        ("Big5", "big5", "安全訓練"),
        ("Shift_JIS", "shift_jis", "安全教育"),
        ("EUC-KR", "euc-kr", "안전 교육"),
        ("windows-1251", "cp1251", "Безопасность"),
        ("UTF-8", "utf-16-le", "Höhe é"),
        ("UTF-8", "utf-16-be", "Höhe é"),
        ("ISO-8859-1", "utf-8-sig", "Höhe é"),
        ("UTF-16", "utf-8", "Höhe é"),
    ],
)
def test_what_a_manifest_is_really_written_in_is_read(
    declared: str, encoding: str, title: str
) -> None:
    text = manifest(title=title).decode().replace('"UTF-8"', f'"{declared}"')
    found = parse(text.encode(encoding))
    assert (found.title, found.findings) == (title, ())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "iso-8859-1", "cp1252"])
def test_other_encodings_are_read(encoding: str) -> None:
    text = (
        manifest(title="Höhe é").decode().replace('"UTF-8"', f'"{encoding.removesuffix("-sig")}"')
    )
    assert parse(text.encode(encoding)).title == "Höhe é"


def test_windows_text_that_claims_to_be_utf_8_is_read_and_said() -> None:
    content = manifest(title="Höhe – 1").decode().encode("cp1252")
    assert parse(content).title == "Höhe – 1"
    assert codes(content) == ["manifest.encoding"]


def test_a_bare_ampersand_and_leading_lines_are_mended_and_said() -> None:
    content = b"\n\n" + manifest(
        title="Lock & tag out &amp; more", resources=resource(href="a.html?b=1&c=2")
    )
    found = parse(content)
    assert found.title == "Lock & tag out & more"
    assert found.playable()[0].href == "a.html?b=1&c=2"
    assert codes(content) == ["manifest.leading", "manifest.ampersand"]


def test_invisible_characters_are_spaces_and_said() -> None:
    content = manifest(title="Working\x0bat&#11;height&#x1f;") + b"\0\0"
    assert parse(content).title == "Working at height"
    assert codes(content) == ["manifest.invisible"]


@pytest.mark.parametrize("written", ["&eacute;&nbsp;&mdash;", "&eacute; &ndash;"])
def test_letters_that_only_html_names_are_letters_and_said(written: str) -> None:
    content = manifest(title=f"Caf{written} &amp; &lt;b&gt;")
    assert parse(content).title.startswith("Café ")
    assert parse(content).title.endswith(" & <b>")
    assert codes(content) == ["manifest.letters"]


def test_a_name_nobody_knows_or_that_means_markup_stays_text() -> None:
    content = manifest(title="&LT;b&GT; &nobody; &amp;")
    assert parse(content).title == "&LT;b&GT; &nobody; &"
    assert codes(content) == ["manifest.ampersand"]


def test_the_first_of_resources_with_one_identifier_is_opened_and_it_is_said() -> None:
    twice = resource() + resource("R2", "two.html") + resource(href="other.html") + resource()
    (found,) = parse(manifest(resources=twice)).findings
    assert (found.code, found.facts) == (
        "manifest.double_resource",
        {"id": "R1", "count": 3, "href": "index.html"},
    )
    assert [each.href for each in parse(manifest(resources=twice)).playable()] == ["index.html"]


@pytest.mark.parametrize("kind", ["", "learning"])
def test_a_resource_that_does_not_say_whether_it_reports_is_said(kind: str) -> None:
    (found,) = parse(manifest(resources=resource(kind=kind))).findings
    assert (found.code, found.facts["title"]) == ("manifest.untyped", "Part one")
    assert codes(manifest(resources=resource(kind="Asset"))) == []


def test_what_is_marked_as_text_needs_no_mending() -> None:
    content = manifest(title="<![CDATA[Lock & tag]]> & test")
    assert parse(content).title == "Lock & tag & test"


def test_a_course_that_starts_at_another_host_is_said() -> None:
    assert codes(manifest(resources=resource(href="https://cdn.example/x.html"))) == [
        "manifest.foreign_launch"
    ]


def test_scorm_2004_rules_are_read_whole() -> None:
    inside = (
        "<adlcp:timeLimitAction>exit,no message</adlcp:timeLimitAction>"
        "<adlcp:dataFromLMS>seed</adlcp:dataFromLMS>"
        '<adlcp:completionThreshold completedByMeasure="true"'
        ' minProgressMeasure="0.7" progressWeight="0.5"/>'
        '<adlcp:data><adlcp:map targetID="store" readSharedData="true"/></adlcp:data>'
        "<adlnav:presentation><adlnav:navigationInterface>"
        "<adlnav:hideLMSUI> continue </adlnav:hideLMSUI>"
        "</adlnav:navigationInterface></adlnav:presentation>"
    )
    found = parse(manifest_2004(item(inside=inside)))
    (only,) = found.playable()
    assert (found.version, found.objectives_global_to_system) == (Version.SCORM_2004_4TH, False)
    assert (only.is_sco, only.time_limit_action, only.data_from_lms) == (
        True,
        "exit,no message",
        "seed",
    )
    assert only.threshold is not None
    assert (only.threshold.by_measure, only.threshold.min_measure, only.threshold.weight) == (
        True,
        "0.7",
        "0.5",
    )
    assert only.shared_data == (
        {"targetID": "store", "readSharedData": "true", "writeSharedData": ""},
    )
    assert only.hidden_controls == ("continue",)


def test_a_third_edition_threshold_is_its_text() -> None:
    (only,) = parse(
        manifest_2004(
            item(inside="<adlcp:completionThreshold>0.75</adlcp:completionThreshold>"),
            schema="2004 3rd Edition",
        )
    ).playable()
    assert only.threshold is not None
    assert (only.threshold.by_measure, only.threshold.min_measure) == (True, "0.75")


def test_what_an_item_says_itself_replaces_the_collections_element_whole() -> None:
    collection = (
        '<imsss:sequencingCollection><imsss:sequencing ID="S1">'
        '<imsss:controlMode flow="true" choice="false"/>'
        '<imsss:rollupRules rollupObjectiveSatisfied="false"/>'
        "</imsss:sequencing></imsss:sequencingCollection>"
    )
    inside = '<imsss:sequencing IDRef="S1"><imsss:controlMode choice="true"/></imsss:sequencing>'
    (only,) = parse(manifest_2004(item(inside=inside), collection=collection)).playable()
    assert only.sequencing == {
        "controlMode": [{"choice": "true"}],
        "rollupRules": [{"rollupObjectiveSatisfied": "false"}],
    }


@pytest.mark.parametrize(
    ("href", "path"),
    [
        ("a%20b/index.html?x=1#y", "a b/index.html"),
        ("./a/../b.html", "b.html"),
        ("a\\b.html", "a/b.html"),
        ("../../x.html", "x.html"),
    ],
)
def test_the_file_behind_an_address(href: str, path: str) -> None:
    assert file_of(href) == path


@pytest.mark.parametrize(
    ("href", "host"),
    [
        ("https://Elsewhere.example/a?b", "elsewhere.example"),
        ("//elsewhere.example:8443", "elsewhere.example:8443"),
        ("https://a.example; script-src */x", ""),
        ("https://someone@a.example/", ""),
        ("javascript://a.example/", ""),
        ("page.html", ""),
    ],
)
def test_only_a_plain_host_of_a_page_elsewhere_is_named_in_a_header(href: str, host: str) -> None:
    assert host_of(href) == host
