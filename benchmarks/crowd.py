"""An organization as large as they come, made by set-based inserts: for benchmarks on PostgreSQL.

100,000 people in 500 units: 10 regions with 40 sites each and 90 groups. Everybody is at a site, so
its training and the region's cover them; three of ten are in a group too, 5,000 of them in the
first one, whose training has 25 modules.
"""

import psycopg

PEOPLE = 100_000
REGIONS, SITES, GROUPS = 10, 400, 90
MODULES = 25
FIRST_SITE = REGIONS + 1
FIRST_GROUP = REGIONS + SITES + 1
BIG_GROUP = FIRST_GROUP
IN_BIG_GROUP = 5_000
NOW = "timestamptz '2027-03-10 09:30:00+00'"

STATEMENTS = (
    f"""INSERT INTO organization (id, name, slug, time_zone, locale, created_at)
    VALUES (1, 'Harbour Works', 'harbour-works', 'Europe/London', 'en', {NOW})""",
    f"""INSERT INTO person (id, organization_id, given_name, family_name, full_name, email,
        employee_id, created_at)
    SELECT n, 1, 'Given' || n % 1000, 'Family' || n % 7919,
        'Given' || n % 1000 || ' Family' || n % 7919,
        CASE WHEN n % 50 = 0 THEN NULL ELSE 'p' || n || '@example.test' END, 'E' || n, {NOW}
    FROM generate_series(1, {PEOPLE}) n""",
    f"""INSERT INTO unit (id, organization_id, kind, name, id_code, description, region_id,
        created_at)
    SELECT n, 1,
        CASE WHEN n <= {REGIONS} THEN 'region' WHEN n < {FIRST_GROUP} THEN 'site' ELSE 'group' END,
        CASE WHEN n <= {REGIONS} THEN 'Region ' WHEN n < {FIRST_GROUP} THEN 'Site '
            ELSE 'Group ' END || n,
        'U' || n, '',
        CASE WHEN n BETWEEN {FIRST_SITE} AND {FIRST_GROUP - 1} THEN 1 + n % {REGIONS} END, {NOW}
    FROM generate_series(1, {REGIONS + SITES + GROUPS}) n""",
    f"""INSERT INTO membership (organization_id, unit_id, person_id, source, since_at, created_at,
        silent)
    SELECT 1, {FIRST_SITE} + n % {SITES}, n, 'csv', {NOW} - interval '400 days', {NOW}, false
    FROM generate_series(1, {PEOPLE}) n""",
    f"""INSERT INTO membership (organization_id, unit_id, person_id, source, since_at, created_at,
        silent)
    SELECT 1, CASE WHEN n <= {IN_BIG_GROUP} THEN {BIG_GROUP}
        ELSE {BIG_GROUP} + 1 + n % {GROUPS - 1} END,
        n, 'manual', {NOW} - interval '400 days', {NOW}, false
    FROM generate_series(1, {PEOPLE}) n WHERE n <= {IN_BIG_GROUP} OR n % 10 < 3""",
    f"""INSERT INTO module (id, organization_id, kind, title, description, state, created_at)
    SELECT n, 1, 'scorm', 'Module ' || n, '', 'published', {NOW}
    FROM generate_series(1, {MODULES}) n""",
    f"""INSERT INTO module_version (id, organization_id, module_id, number, created_at)
    SELECT n, 1, n, 1, {NOW} FROM generate_series(1, {MODULES}) n""",
    "UPDATE module SET current_version_id = id",
    f"""INSERT INTO configuration (id, organization_id, unit_id, name, current_version_id,
        created_at)
    SELECT id, 1, id, 'Training of ' || name, id, {NOW} FROM unit""",
    f"""INSERT INTO configuration_draft (organization_id, configuration_id, rows, certificate_on,
        revision, updated_at)
    SELECT 1, id, '[]', true, 1, {NOW} - interval '401 days' FROM configuration""",
    f"""INSERT INTO configuration_version (id, organization_id, configuration_id, number, name,
        certificate_on, published_at, reason, effective_at, apply_to_existing)
    SELECT id, 1, id, 1, name, true, {NOW} - interval '400 days', '', {NOW} - interval '400 days',
        false
    FROM configuration""",
    f"""INSERT INTO version_progress (organization_id, version_id, people, judged, started_at,
        finished_at)
    SELECT 1, id, 0, 0, published_at, {NOW} - interval '399 days' FROM configuration_version""",
    f"""INSERT INTO configuration_row (organization_id, version_id, module_id, position, status,
        required_since_at)
    SELECT 1, unit.id, module.id, module.id, CASE WHEN module.id % 5 = 0 THEN 'optional'
        ELSE 'required' END, {NOW} - interval '400 days'
    FROM unit, module
    WHERE CASE WHEN unit.id = {BIG_GROUP} THEN true ELSE (module.id + unit.id) % 6 = 0 END""",
    """INSERT INTO row_term (organization_id, row_id, validity_months, pass_mark, in_grace)
    SELECT 1, id, 12, 0.8, false FROM configuration_row""",
    f"""INSERT INTO completion (organization_id, person_id, module_id, module_version_id, passed,
        score, happened_at, learned_at, source, evidence, silent)
    SELECT 1, n, 1 + (n + k) % {MODULES}, 1 + (n + k) % {MODULES}, true, 0.9,
        {NOW} - (n % 390) * interval '1 day', {NOW} - interval '1 day', 'manual', '{{}}', false
    FROM generate_series(1, {PEOPLE}) n, generate_series(1, 5) k""",
    f"""INSERT INTO standing (organization_id, person_id, configuration_id, version_id, covered,
        complete, valid_through, ends_at, missing, updated_at)
    SELECT 1, person_id, configuration_id, configuration_id, true, done,
        CASE WHEN done THEN ({NOW} + days * interval '1 day')::date END,
        CASE WHEN done THEN date_trunc('day', {NOW}) + (days + 1) * interval '1 day' END,
        CASE WHEN done THEN '[]'::jsonb
            ELSE '[{{"module_id": 1, "reason": "never_completed", "since": null}}]'::jsonb END,
        {NOW}
    FROM (
        SELECT covered.*, (person_id * 7 + configuration_id) % 20 > 0 AS done,
            (person_id * 13 + configuration_id * 5) % 365 - 12 AS days
        FROM (
            SELECT person_id, unit_id AS configuration_id FROM membership
            UNION
            SELECT person_id, region_id FROM membership JOIN unit ON unit.id = unit_id
            WHERE region_id IS NOT NULL
        ) covered
    ) judged""",
    f"""INSERT INTO certificate (organization_id, person_id, configuration_id, credential_id, token,
        passcode, created_at)
    SELECT 1, person_id, configuration_id, 'HW-' || id, 'token-' || id, 'code-' || id,
        {NOW} - (id % 300) * interval '1 day'
    FROM standing WHERE complete""",
    """INSERT INTO edition (organization_id, certificate_id, number, kind, facts, issued_at, silent,
        rendered_at, pdf_key)
    SELECT 1, id, 1, 'first', '{}', created_at, false, created_at, 'x' FROM certificate""",
    f"""INSERT INTO certificate_event (organization_id, certificate_id, kind, at, reason)
    SELECT 1, id, CASE WHEN id % 400 = 0 THEN 'revoked' ELSE 'suspended' END,
        {NOW} - interval '3 days', 'x'
    FROM certificate WHERE id % 200 = 0""",
    f"""INSERT INTO message (organization_id, person_id, kind, key, facts, attachments, state,
        created_at, not_before, sent_at, ended_at, attempts)
    SELECT 1, 1 + n % {PEOPLE}, 'new_training', 'm' || n, '{{}}', '[]',
        CASE WHEN n % 97 = 0 THEN 'failed' ELSE 'sent' END, {NOW}, {NOW},
        CASE WHEN n % 97 > 0 THEN {NOW} END, CASE WHEN n % 97 = 0 THEN {NOW} END, 1
    FROM generate_series(1, 2 * {PEOPLE}) n""",
    f"""INSERT INTO "grant" (organization_id, person_id, role, granted_at)
    VALUES (1, 1, 'admin', {NOW})""",
    f"""INSERT INTO "grant" (organization_id, person_id, role, unit_id, granted_at)
    VALUES (1, 2, 'manager', 1, {NOW})""",
)


def fill(url: str) -> None:
    """The empty, migrated database at `url` holds the crowd, and the planner knows it."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in STATEMENTS:
            connection.execute(statement.encode())
        for (name,) in connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'S' AND relname LIKE '%_id_seq'"
        ).fetchall():
            table = name.removesuffix("_id_seq")
            sequence = f"""SELECT setval('"{name}"', (SELECT max(id) + 1 FROM "{table}"))"""
            connection.execute(sequence.encode())
        connection.execute("VACUUM ANALYZE")
