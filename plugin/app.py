"""The only place where the parts are wired together."""

import secrets
from importlib import import_module
from pathlib import Path

from babel import Locale
from flask import Flask, g, has_request_context, request
from flask_babel import Babel, get_locale
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect
from sqlalchemy import MetaData
from werkzeug.middleware.proxy_fix import ProxyFix

from plugin.api import admin_views as systems_views
from plugin.api import views as api_views
from plugin.assign import (
    archive_views,
    calendar_sql,
    list_views,
    merge_views,
    record_views,
    sitting_views,
    template_views,
    version_views,
    withheld,
)
from plugin.assign import person_views as training_views
from plugin.assign import queries as assign_queries
from plugin.certs import decided, issued_views, publish_views, retraining_views, transcript_views
from plugin.certs import views as certs_views
from plugin.classroom import admin_views as sessions_views
from plugin.classroom import room_views, teaching_views
from plugin.classroom import views as class_views
from plugin.core import demo_clock, languages, log
from plugin.core.base import Base
from plugin.core.context import current_settings
from plugin.core.db import configure_engine, db
from plugin.core.paths import STATIC, TEMPLATES, TRANSLATIONS
from plugin.core.settings import Settings
from plugin.dashboard import own_views as dashboard_views
from plugin.dashboard import preview_views
from plugin.documents import admin_views as documents_views
from plugin.documents import file_views as document_files
from plugin.documents import views as reading_views
from plugin.lti.platform import admin_views as tools_views
from plugin.lti.platform import linking
from plugin.lti.platform import player_views as external_views
from plugin.lti.platform import queries as tool_queries
from plugin.lti.platform import service_views as platform_services
from plugin.lti.platform import views as platform_views
from plugin.lti.tool import (
    canvas_views,
    copy_views,
    deep_link_views,
    grade_views,
    handover_views,
    lms_adding_views,
    lms_views,
    notice_views,
    review_views,
)
from plugin.lti.tool import views as lti
from plugin.modules import history_import, naming, retraining, visibility
from plugin.modules import views as modules_views
from plugin.modules.models import ModuleKind
from plugin.notify import hook_views, mailer
from plugin.notify import views as mail_views
from plugin.org import (
    import_kinds,
    import_views,
    member_views,
    people_import,
    people_views,
    person_views,
    rule_views,
)
from plugin.org import queries as org_queries
from plugin.org import views as org_views
from plugin.reports import ledger_views, waiting
from plugin.reports import person_views as activity_views
from plugin.reports import views as reports_views
from plugin.scorm import content_views
from plugin.scorm import views as scorm_views
from plugin.submissions import admin_views as submissions_views
from plugin.submissions import views as submit_views
from plugin.web import bodies, errors, forms, headers, health, identity, limits, navigation, visits

FEATURES = (
    "org",
    "notify",
    "modules",
    "scorm",
    "documents",
    "submissions",
    "classroom",
    "assign",
    "certs",
    "lti.tool",
    "lti.platform",
    "api",
)
MORE_TABLES = (
    "org.history",
    "org.import_models",
    "org.merge_models",
    "org.rule_models",
    "notify.mail_models",
    "lti.tool.notice_models",
    "lti.tool.service_models",
)
CALLED_BY_OTHERS = (
    lti.bp,
    handover_views.bp,
    notice_views.bp,
    canvas_views.bp,
    api_views.bp,
    platform_views.bp,
    platform_services.bp,
    hook_views.bp,
    certs_views.public_bp,
)
"""Called by other servers, or from other sites in a browser: they carry proofs of their own instead
of our form tokens."""
PAGES = (
    health.bp,
    lms_views.bp,
    lms_adding_views.bp,
    copy_views.bp,
    deep_link_views.bp,
    review_views.bp,
    grade_views.grades_bp,
    grade_views.courses_bp,
    systems_views.bp,
    external_views.bp,
    tools_views.bp,
    org_views.bp,
    import_views.bp,
    rule_views.bp,
    people_views.bp,
    person_views.bp,
    member_views.bp,
    list_views.bp,
    training_views.bp,
    record_views.bp,
    sitting_views.bp,
    merge_views.bp,
    version_views.bp,
    archive_views.bp,
    template_views.bp,
    dashboard_views.bp,
    preview_views.bp,
    reports_views.bp,
    activity_views.bp,
    ledger_views.bp,
    mail_views.bp,
    modules_views.bp,
    scorm_views.bp,
    documents_views.bp,
    reading_views.bp,
    sessions_views.bp,
    teaching_views.bp,
    class_views.bp,
    room_views.bp,
    submissions_views.bp,
    submit_views.bp,
    certs_views.bp,
    publish_views.bp,
    retraining_views.bp,
    transcript_views.bp,
    issued_views.bp,
)
csrf = CSRFProtect()


def tables() -> MetaData:
    """The metadata with every table of the product in it."""
    import_module("plugin.core.audit")
    for feature in FEATURES:
        import_module(f"plugin.{feature}.models")
    for module in MORE_TABLES:
        import_module(f"plugin.{module}")
    return Base.metadata


def create_app(settings: Settings) -> Flask:
    """The product, ready to serve with these settings."""
    if settings.demo_clock:
        demo_clock.follow(Path(settings.demo_clock))
    app = visits.Product("plugin", template_folder=str(TEMPLATES), static_folder=str(STATIC))
    app.extensions["plugin_settings"] = settings
    app.config.from_mapping(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.sqlalchemy_url,
        MAX_CONTENT_LENGTH=settings.upload_max_mb * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        BOOTSTRAP_SERVE_LOCAL=True,
        BABEL_DEFAULT_LOCALE=settings.default_locale,
        BABEL_TRANSLATION_DIRECTORIES=str(TRANSLATIONS),
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
    )
    tables()
    db.init_app(app)
    with app.app_context():
        configure_engine(db.engine)
        calendar_sql.configure_engine(db.engine)
    visits.init_app(app)
    bodies.init_app(app)
    csrf.init_app(app)
    mailer.init_app(app, settings)
    Bootstrap5(app)
    Babel(app, locale_selector=_locale, timezone_selector=_time_zone)
    identity.install_loaders(app.extensions, org_queries.visit, org_queries.framers_of_visit)
    errors.init_app(app)
    headers.init_app(app)
    limits.init_app(app, settings)
    _bind_log_context(app)
    _register_views(app)
    if settings.proxy_hops:
        hops = settings.proxy_hops
        app.wsgi_app = ProxyFix(app.wsgi_app, hops, hops, hops)  # type: ignore[method-assign]
    app.context_processor(_page_facts)
    app.add_template_global(navigation.has_page)
    app.add_template_global(navigation.may_open)
    app.add_template_global(forms.questions)
    app.add_template_global(naming.details, "module_details")
    return app


def _register_views(app: Flask) -> None:
    for blueprint in CALLED_BY_OTHERS:
        csrf.exempt(blueprint)
    for blueprint in (*CALLED_BY_OTHERS, *PAGES):
        app.register_blueprint(blueprint)
    for blueprint in (content_views.bp, document_files.bp):
        csrf.exempt(blueprint)
        headers.content_only(app, blueprint)
    waiting.install(app.extensions, tool_queries.count_pending)
    withheld.install(app.extensions, decided.withheld_of_person)
    visibility.install(
        app.extensions,
        visibility.Doors(
            is_visible=assign_queries.is_visible,
            players={
                ModuleKind.SCORM: scorm_views.enter,
                ModuleKind.LTI: external_views.enter,
                ModuleKind.DOCUMENT: reading_views.enter,
                ModuleKind.CERTIFICATE: submit_views.enter,
                ModuleKind.SESSION: class_views.enter,
            },
            renewals={
                ModuleKind.LTI: linking.renew,
                ModuleKind.LMS_GRADE: retraining.renew,
                ModuleKind.CERTIFICATE: retraining.renew,
                ModuleKind.SESSION: retraining.renew,
            },
        ),
    )
    import_kinds.install(app.extensions, people_import.SUBJECT, history_import.SUBJECT)


def _locale() -> str | None:
    """Of dates and numbers; words follow as far as there are any in its language."""
    person = _me()
    if person:
        return person.locale
    return request.accept_languages.best_match(languages.ours()) if has_request_context() else None


def _time_zone() -> str | None:
    person = _me()
    return person.time_zone if person else None


def _me() -> identity.Me | None:
    return g.get("me") if has_request_context() else None


def _page_facts() -> dict[str, object]:
    language = languages.nearest(str(get_locale() or ""), current_settings().default_locale)
    return {
        "product_name": current_settings().product_name,
        "me": _me(),
        "answers_a_visit": identity.answers_a_visit(),
        "navigation": navigation.links(_me()),
        "navigation_below": navigation.links_below(_me()),
        "page_language": language.replace("_", "-"),
        "page_direction": Locale.parse(language).text_direction,
    }


def _bind_log_context(app: Flask) -> None:
    @app.before_request
    def start() -> None:
        g.request_id = secrets.token_hex(6)
        log.bind(request_id=g.request_id)

    @app.teardown_request
    def end(_error: BaseException | None) -> None:
        log.unbind()
