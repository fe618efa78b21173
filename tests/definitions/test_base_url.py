"""Base URLs: read like the client that sends to them reads them, whether or not the client is imported for it."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from kable_destination.definitions import Destination, DestinationDefinition, RequestOptions, SetupError

LABELS = st.text("abcxyz019-", min_size=1, max_size=8) | st.sampled_from(["xn--bcher-kva", "BÜCHER", "Api", "a_b"])
HOSTS = st.lists(LABELS, min_size=1, max_size=4).map(".".join) | st.sampled_from(
    ["127.0.0.1", "localhost", "[::1]", "1.2.3.999", "0x7f.1"]
)
PORTS = st.sampled_from(["", ":", ":0", ":080", ":80", ":443", ":4433", ":8787", ":65535", ":65536", ":99999"])
PATHS = st.text("ab/.%2~-_?#@ A", max_size=6).map(lambda text: f"/{text}") | st.just("")


def address_of(base_url: str) -> tuple[str, str, str, int | None, str]:
    """Return what a destination makes of its base URL."""
    definition = DestinationDefinition(
        name="Any", slug="actions-any", actions={}, extend_request=lambda _: RequestOptions("https://any.example")
    )
    address = Destination(definition, {}, base_url=base_url).address
    return address.text, address.scheme, address.host, address.port, address.netloc


@given(st.sampled_from(["http", "https", "HTTPS"]), HOSTS, PORTS, PATHS)
@example("https", "live.kable.io", "", "")
@example("http", "127.0.0.1", ":8787", "/")
@example("https", "api.example.com", ":8443", "/v1//a/")
def test_a_base_url_is_read_as_the_client_reads_it(scheme: str, host: str, port: str, path: str) -> None:
    text = f"{scheme}://{host}{port}{path}"
    try:
        read = address_of(text)
    except SetupError:
        assume(False)
    url = httpx.URL(text)
    assert read == (str(url).rstrip("/"), url.scheme, url.host, url.port, url.netloc.decode("ascii"))


@pytest.mark.parametrize("end", ["?a=b", "?", "/?", "/.?", "#a", "#", "/v1/#"])
def test_a_query_or_fragment_is_refused_even_if_it_is_empty(end: str) -> None:
    """The path of a request would become a part of it."""
    with pytest.raises(SetupError, match="should hold neither credentials nor a query nor a fragment"):
        address_of(f"https://api.example.com{end}")


@pytest.mark.parametrize("text", ["https://live.kable.io", "https://api.example.com:8443/v1", "http://127.0.0.1:8787/"])
def test_requests_go_below_the_base_url(text: str) -> None:
    definition = DestinationDefinition(
        name="Any", slug="actions-any", actions={}, extend_request=lambda _: RequestOptions(text)
    )
    assert str(Destination(definition, {}).request("GET", "/events").url) == f"{text.rstrip('/')}/events"
