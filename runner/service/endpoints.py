"""The endpoints of the service, for one configuration: a reload makes new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .app import create_app
from .browser import Browser, Script
from .calls import CallRules
from .direct import Direct
from .tracking import Tracking

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from .shared import Shared


class Applications(NamedTuple):
    """The application of the main address, and that of the admin address."""

    main: ASGIApp
    admin: ASGIApp


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
    routes, admin_routes = [*tracking.routes(), *direct.routes(), *browser.routes()], [*shared.health.routes()]
    if options.admin_port is None:
        routes += admin_routes
    return Applications(create_app(routes, origins=options.origins), create_app(admin_routes))
