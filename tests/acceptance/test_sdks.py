"""Segment's SDKs, as they are published, deliver through the service: each event once, as it was sent.

Real SDKs wait by real clocks. KABLE_SDK_EVENTS says how many events each sends; KABLE_SDKS=required lets no test be
skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from command_line import API_KEY, CLIENT_ID
from faulty_proxy import HANG_UP, faulty_proxy
from installing import UnavailableError
from kable_destination.runner.sandbox import running_sandbox
from raw_server import raw_server
from running_service import CONFIGURATION, WRITE_KEY, running_service
from sdks import installed_node, installed_python, is_required

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from faulty_proxy import FaultyProxy
    from running_service import RunningService

EVENTS = int(os.environ.get("KABLE_SDK_EVENTS", "300"))
SECONDS = 120
# Not one after the other: an SDK that waits longer after each fault would wait for half a minute.
FAULTS = {0: 429, 2: 503, 4: HANG_UP}
MAPPED = f"""{CONFIGURATION}
[[subscriptions]]
partnerAction = "track"
subscribe = 'type = "track"'
mapping = {{ timestamp = {{ "@path" = "$.originalTimestamp" }} }}
"""
PYTHON = {"python": "segment.analytics", "python-old": "analytics"}
NODE = {"node": "@segment/analytics-node", "node-old": "analytics-node"}
CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None
)
CHROMIUM_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PAGE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<!doctype html><link rel=icon href=data:,>"
)
SEND = """
async ({count, start, name}) => {
  const user = `${name}-user`
  await analytics.identify(user)
  const sent = []
  for (let number = 0; number < count; number++) {
    const properties = {sdk: name, number, text: "Zoë 漢字 😀", nested: {list: [1, {null: null}]}}
    sent.push(analytics.track("Units", properties, {timestamp: new Date(start + number)}))
    if (number % 50 === 49) await Promise.all(sent.splice(0))
  }
  await Promise.all(sent)
}
"""
# As the documentation of Analytics.js has it, only shorter: it loads the script, which then finds its queue.
SNIPPET = """
({host, writeKey}) => {
  const analytics = window.analytics = []
  analytics._writeKey = writeKey
  analytics._cdn = host
  analytics.initialize = true
  analytics._loadOptions = {}
  const script = document.createElement("script")
  script.src = `${host}/analytics.js/v1/${writeKey}/analytics.min.js`
  return new Promise((resolve, reject) => {
    script.onload = resolve
    script.onerror = reject
    document.head.append(script)
  })
}
"""
LOAD = """
({host, writeKey}) => {
  const batching = {strategy: "batching", config: {size: 25, timeout: 500}}
  const options = {integrations: {"Segment.io": {deliveryStrategy: batching}}}
  window.analytics = AnalyticsNext.AnalyticsBrowser.load({writeKey, cdnURL: host}, options)
}
"""


def skip(reason: str) -> None:
    """Skip the test, unless none may be skipped."""
    if is_required():
        pytest.fail(reason)
    pytest.skip(reason)


def installed(install: Callable[[], Path]) -> Path:
    """Return the folder of an SDK. Without it, the test is skipped."""
    try:
        return install()
    except UnavailableError as error:
        skip(str(error))
        raise


@pytest.fixture(scope="module")
def node() -> Path:
    """The folder with the SDKs for Node and browsers."""
    return installed(installed_node)


@pytest.fixture
def service(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[RunningService]:
    """A service, with the options that a test gives as its parameter."""
    options = {} if not hasattr(request, "param") else {"analyticsJs": str(installed(installed_node) / request.param)}
    with (
        running_sandbox(client_id=CLIENT_ID, api_key=API_KEY) as sandbox,
        running_service(tmp_path, sandbox, configuration=MAPPED, service=options) as running,
    ):
        yield running


@pytest.fixture
def proxy(service: RunningService) -> Iterator[FaultyProxy]:
    with faulty_proxy(service.running.base_url, FAULTS) as running:
        yield running


def asked(proxy: FaultyProxy, **more: Any) -> dict[str, Any]:
    """Return what an SDK is to send. The events are of the last hours, a millisecond apart."""
    start = (int(time.time()) - 7200) * 1000
    return {"host": proxy.base_url, "writeKey": WRITE_KEY, "name": "sdk", "count": EVENTS, "start": start, **more}


def run(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> None:
    """Run a program that uses an SDK, to its end."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def check(service: RunningService, proxy: FaultyProxy, sent: dict[str, Any]) -> None:
    """Check that Kable has exactly what was sent, and that all the faults have happened."""
    count = sent["count"]
    service.delivered(count)
    events = service.sandbox.ledger.events
    assert proxy.faults == {}
    assert sorted(event["data"]["number"] for event in events) == [*range(count)]
    assert {event["transactionId"] for event in events} <= {*proxy.message_ids}
    assert len({event["transactionId"] for event in events}) == count
    for event in events:
        number = event["data"]["number"]
        timestamp = datetime.fromisoformat(event["timestamp"])
        assert timestamp == datetime.fromtimestamp((sent["start"] + number) / 1000, UTC)
        assert event["clientId"] == f"{sent['name']}-user"
        data = {"sdk": sent["name"], "number": number, "text": "Zoë 漢字 😀", "nested": {"list": [1, {"null": None}]}}
        assert event["data"] == data
    assert service.sandbox.ledger.duplicates == 0
    with ThreadPoolExecutor(1) as thread:
        # This one may have a loop already, that of the browser's driver.
        assert thread.submit(service.dead_letters).result() == []


@pytest.mark.parametrize("single", [True, False], ids=["single", "batches"])
@pytest.mark.parametrize("name", PYTHON)
def test_sdks_for_python_deliver_each_event_once(
    service: RunningService, proxy: FaultyProxy, tmp_path: Path, name: str, *, single: bool
) -> None:
    folder = installed(partial(installed_python, name))
    sent = asked(proxy, module=PYTHON[name], single=single)
    program = folder.parent.parent.parent / "tests" / "sdks" / "send.py"
    run([sys.executable, str(program), json.dumps(sent)], tmp_path, {"PYTHONPATH": str(folder)})
    check(service, proxy, sent)


@pytest.mark.parametrize("single", [True, False], ids=["single", "batches"])
@pytest.mark.parametrize("name", NODE)
def test_sdks_for_node_deliver_each_event_once(
    service: RunningService, proxy: FaultyProxy, node: Path, name: str, *, single: bool
) -> None:
    sent = asked(proxy, module=NODE[name], single=single)
    run(["node", "send.js", json.dumps(sent)], node)
    check(service, proxy, sent)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium without a window."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
    if CHROMIUM is None:
        skip("there is no Chromium: apt-get install chromium, or name it in CHROMIUM")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser, proxy: FaultyProxy) -> Iterator[Page]:
    """A page of another origin. It may ask the service for anything, and nobody else."""
    requested: list[str] = []
    with raw_server(PAGE) as (port, _):
        page = browser.new_page()
        page.on("request", lambda request: requested.append(request.url))
        page.goto(f"http://127.0.0.1:{port}/")
        yield page
        page.close()
    others = [url for url in requested[1:] if not url.startswith((f"{proxy.base_url}/", "data:"))]
    assert others == []


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize("service", ["node_modules/@segment/analytics-next/dist/umd/standalone.js"], indirect=True)
def test_the_snippet_of_analytics_js_delivers_each_event_once(
    service: RunningService, proxy: FaultyProxy, page: Page
) -> None:
    sent = asked(proxy)
    page.evaluate(SNIPPET, sent)
    page.wait_for_function("window.analytics.initialized")
    page.evaluate(SEND, sent)
    check(service, proxy, sent)


def test_analytics_js_delivers_each_event_of_a_batch_once(
    service: RunningService, proxy: FaultyProxy, page: Page, node: Path
) -> None:
    # While it waits after a fault, all other events become one batch, so there may be no fifth request.
    proxy.faults = {0: 429, 1: 503, 2: HANG_UP}
    sent = asked(proxy)
    page.add_script_tag(path=node / "node_modules" / "@segment" / "analytics-next" / "dist" / "umd" / "index.js")
    page.evaluate(LOAD, sent)
    page.evaluate(SEND, sent)
    check(service, proxy, sent)
