"""The endpoints of the service, for one configuration: a reload makes new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from ...definitions import Redactor
from ..configuration.page_configuration import page_configuration_of
from .actions_tester import ActionsTester
from .app import create_app
from .browser import Browser, Script
from .calls import CallRules
from .direct import Direct
from .openapi import OpenApi
from .page.known_accounts import KnownAccounts
from .page.page import Page
from .tracking import Tracking
from .webhook import Webhook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.routing import Route
    from starlette.types import ASGIApp

    from .operations import Operation
    from .shared import Shared


class Endpoints(Protocol):
    """A group of endpoints: its routes, and what each of them says about itself."""

    def routes(self) -> list[Route]:
        """Return the routes."""

    def operations(self) -> list[Operation]:
        """Return what the OpenAPI document says about them."""


class Applications(NamedTuple):
    """The applications of the main address, of the admin address, and of the Actions Tester."""

    main: ASGIApp
    admin: ASGIApp
    tester: ASGIApp


def applications(shared: Shared) -> Applications:
    """Return the applications of the present configuration. Raises SetupError."""
    configuration = shared.configuration
    options = configuration.options
    tracking = Tracking(
        shared.by_write_key(),
        CallRules(options.event_bytes, options.batch_bytes, options.require_message_id),
        clock=shared.clock,
        seconds=options.request_seconds,
        allows_live=configuration.delivery.live,
        live_advice=configuration.live_advice,
    )
    direct = Direct(shared.accounts, configuration, shared.customers, shared.stored, shared.checks, clock=shared.clock)
    script = None if options.analytics_js is None else Script.read(configuration.folder / options.analytics_js)
    browser = Browser(tracking.accounts, public_url=configuration.public_url, script=script)
    groups: list[Endpoints] = [tracking, direct, browser]
    if options.webhook is not None:
        groups.append(Webhook(shared.accounts.serve(configuration.accounts[options.webhook.account]), configuration))
    administration: list[Endpoints] = [shared.health, shared.metrics]
    if options.page:
        host = options.host if options.admin_port is None else options.admin_host
        page = Page(
            page_configuration_of(configuration), shared.transport, shared.clock, host=host, watching=_watching(shared)
        )
        if page.access.is_possible:
            administration.append(page)
    if options.admin_port is None:
        groups += administration
    # An endpoint that is off has no route.
    groups.append(OpenApi(_operations_of(groups)))
    count = shared.metrics.count
    return Applications(
        create_app(_routes_of(groups), origins=options.origins, count=count),
        create_app(_routes_of(administration), count=count),
        ActionsTester(configuration, shared.transport).app(),
    )


def admin_application(shared: Shared) -> ASGIApp:
    """Return the application of a process that only delivers: how it is, and its metrics."""
    return create_app(_routes_of([shared.health, shared.metrics]), count=shared.metrics.count)


def _watching(shared: Shared) -> Sequence[Endpoints]:
    """Return what the page shows of the delivery, with the accounts of the present configuration."""
    configuration = shared.configuration
    known = KnownAccounts(configuration.accounts.values(), shared.accounts, shared.stored)
    redactor = Redactor(configuration.secrets)
    return shared.watched.endpoints(configuration.definition, configuration.delivery, known, redactor)


def _routes_of(groups: Sequence[Endpoints]) -> list[Route]:
    return [route for group in groups for route in group.routes()]


def _operations_of(groups: Sequence[Endpoints]) -> list[Operation]:
    return [operation for group in groups if group.routes() for operation in group.operations()]
