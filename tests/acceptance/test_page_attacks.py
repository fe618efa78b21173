"""Attacks on the page, in a real browser: nothing runs, nothing leaks, and the page stays usable."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from command_line import API_KEY, CLIENT_ID, CommandLine
from kable_destination.runner.sandbox import running_sandbox
from raw_server import raw_server
from running_page import chromium, running_page, window
from segment_events import track

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from fork_server import ForkServer

NAME = "rebound.example"
"""A name that an attacker lets mean this machine, once the browser has loaded the attacker's page from it."""

EVENT = track(1, userId="customer_1", properties={"units": 3})
TOKEN = "a-token-that-nobody-can-guess"  # noqa: S105 - of these tests

EVIL = """<!doctype html><title>evil</title><script>
const results = {};
async function tried(name, attempt) {
  try { results[name] = String(await attempt()); } catch (error) { results[name] = "refused"; }
}
const body = JSON.stringify(BODY);
(async () => {
  const mark = {"X-Kable-Page": "1"};
  await tried("reads", () => fetch("TARGET/page/api/start", {headers: mark}).then((found) => found.text()));
  await tried("reads without the mark", () => fetch("TARGET/page/api/start").then((found) => found.text()));
  await tried("sends JSON", () => fetch("TARGET/page/api/send", {
    method: "POST", body, headers: {...mark, "Content-Type": "application/json"}}).then((found) => found.text()));
  for (const type of ["text/plain", "application/x-www-form-urlencoded"]) {
    await tried(`sends ${type}`, () => fetch("TARGET/page/api/send", {
      method: "POST", mode: "no-cors", body, headers: {"Content-Type": type}}).then((found) => found.type));
  }
  await tried("loads the script", () => new Promise((resolve, reject) => {
    const script = document.createElement("script");
    Object.assign(script, {src: "TARGET/page/api/start", onload: () => resolve("loaded"), onerror: reject});
    document.head.append(script);
  }));
  await tried("opens it", async () => {
    const opened = window.open("TARGET/");
    // Until it has loaded, it is a blank document of this origin.
    while (opened?.document?.URL === "about:blank") await new Promise((resolve) => setTimeout(resolve, 20));
    return opened?.document?.body?.innerText ?? "nothing";
  });
  const frame = document.createElement("iframe");
  frame.src = "TARGET/";
  await tried("frames it", () => new Promise((resolve) => {
    frame.onload = () => resolve(frame.contentDocument?.body?.innerText ?? "nothing");
    document.documentElement.append(frame);
  }));
  document.title = JSON.stringify(results);
})();
</script><body></body>"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a Chromium for which a name of an attacker means this machine."""
    with chromium(f"--host-resolver-rules=MAP {NAME} 127.0.0.1") as launched:
        yield launched


@pytest.fixture
def program(fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    return CommandLine(tmp_path_factory.mktemp("page"), dict(fork_server.environment), fork_server)


def html(text: str) -> bytes:
    raw = text.encode()
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(raw)
        + raw
    )


def type_event(page: Page, event: Any) -> None:
    page.get_by_role("textbox", name="Event as JSON").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(json.dumps(event))


def test_a_page_of_another_origin_reads_nothing_and_sends_nothing(browser: Browser, program: CommandLine) -> None:
    with running_sandbox(client_id=CLIENT_ID, api_key=API_KEY) as sandbox:
        with running_page(program, "--base-url", sandbox.base_url) as served:
            draft = {"destination": "kable", "settings": {"kableClientId": CLIENT_ID}}
            target = f"Kable Test ({sandbox.base_url.removeprefix('http://')})"
            asked = json.dumps({"draft": draft, "event": json.dumps(EVENT), "confirmed": target})
            evil = EVIL.replace("TARGET", served.url).replace("BODY", asked)
            with raw_server(html(evil)) as (port, _):
                context = browser.new_context()
                page = context.new_page()
                page.goto(f"http://127.0.0.1:{port}/")
                page.wait_for_function('document.title.startsWith("{")')
                results = json.loads(page.title())
                context.close()
        assert results["reads"] == results["reads without the mark"] == results["sends JSON"] == "refused"
        assert results["loads the script"] == "refused"
        assert (results["opens it"], results["frames it"]) in {("nothing", "nothing"), ("refused", "nothing")}
        assert CLIENT_ID not in json.dumps(results)
        assert sandbox.ledger.events == []


def test_a_name_that_comes_to_mean_this_machine_does_not_help(browser: Browser, program: CommandLine) -> None:
    with running_page(program) as served:
        port = served.url.rpartition(":")[2]
        context = browser.new_context()
        page = context.new_page()
        answer = page.goto(f"http://{NAME}:{port}/")
        assert answer is not None
        assert answer.status == 421
        read = """fetch("/page/api/start", {headers: {"X-Kable-Page": "1"}}).then((found) => found.text())"""
        assert CLIENT_ID not in page.evaluate(read)
        context.close()


HOSTILE = b'<img src=x onerror="document.title=1337"><script>document.title=1337</script>\xe2\x80\xae\x1b[2J'


def test_a_hostile_answer_of_the_server_is_text(browser: Browser, program: CommandLine) -> None:
    answer = b"HTTP/1.1 400 Bad\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(HOSTILE) + HOSTILE
    with (
        raw_server(answer) as (port, _),
        running_page(program, "--base-url", f"http://127.0.0.1:{port}") as served,
        window(browser, served.url) as page,
    ):
        type_event(page, EVENT)
        page.get_by_role("article", name="Record usage").get_by_text("sends", exact=True).wait_for()
        page.get_by_role("button", name="Send for real").click()
        dialog = page.get_by_role("dialog", name="Send for real")
        dialog.get_by_role("button", name="Send to").click()
        dialog.get_by_text("onerror").first.wait_for()
        assert dialog.locator("img, script").count() == 0
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Test the credentials").click()
        page.get_by_text("onerror").first.wait_for()
        assert page.locator("main img, main script").count() == 0
        assert "1337" not in page.title()


def test_without_the_token_the_page_shows_nothing_and_no_storage_keeps_it(
    browser: Browser, program: CommandLine
) -> None:
    (program.folder / "page.toml").write_text(
        f'[settings]\nkableClientId = "{CLIENT_ID}"\n[service]\npageTokenEnv = "PAGE_TOKEN"\n', encoding="utf-8"
    )
    program.environment["PAGE_TOKEN"] = TOKEN
    with running_page(program, "--config", "page.toml") as served:
        context = browser.new_context()
        page = context.new_page()
        page.goto(served.url)
        dialog = page.get_by_role("dialog", name="A token is needed")
        dialog.get_by_label("Token").fill("a-wrong-guess-of-somebody")
        page.keyboard.press("Enter")
        dialog.get_by_text("not the token").wait_for()
        assert CLIENT_ID not in page.content()
        dialog.get_by_label("Token").fill(TOKEN)
        page.keyboard.press("Enter")
        page.get_by_role("textbox", name="Event as JSON").wait_for()
        kept = page.evaluate(
            "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href, history.state])"
        )
        assert TOKEN not in kept + page.content()
        assert API_KEY not in page.content()
        context.close()
