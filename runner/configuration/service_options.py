"""The options of the service, from the table `[service]` of a configuration."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.alias_generators import to_camel

from ...definitions import is_loopback

DEFAULT_ACCOUNT = "default"
"""The name of the account that `[settings]` describes, unless `[accounts.default]` is there."""

KILOBYTE = 1024
MEGABYTE = 1024 * KILOBYTE

_MODEL = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)
_ACCOUNT = (
    "Account that the events belong to: a name under `[accounts]`, or `default`, which is the account of `[settings]`."
)


class WebhookOptions(BaseModel):
    """Who may send events to `/webhook`, and to which account."""

    model_config = _MODEL

    account: str = Field(default=DEFAULT_ACCOUNT, description=_ACCOUNT)
    secret_env: str | None = Field(
        default=None,
        description=(
            "Name of the environment variable with the shared secret of Segment's Webhook destination, which signs its "
            "requests (`X-Signature`). Of a batch it signs only the first event."
        ),
    )
    secret_file: str | None = Field(
        default=None, description="Path of a file with the shared secret, relative to the configuration."
    )
    token_env: str | None = Field(
        default=None,
        description=(
            "Name of the environment variable with a token. Requests must carry it: `Authorization: Bearer TOKEN`."
        ),
    )
    token_file: str | None = Field(
        default=None, description="Path of a file with the token, relative to the configuration."
    )


class ServiceOptions(BaseModel):
    """How the service listens, who may send to it, and how much it accepts."""

    model_config = _MODEL

    host: str = Field(default="127.0.0.1", description="Address to listen on. The default is this machine only.")
    port: int = Field(default=8080, ge=0, le=65535, description="Port to listen on; `0` picks a free one.")
    admin_host: str = Field(
        default="127.0.0.1", description="Address for metrics and health, with `adminPort` or `work --admin-port`."
    )
    admin_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="Port for `/metrics`, `/healthz` and `/readyz` alone. Without it, they are on `port`.",
    )
    actions_tester_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description=(
            "Port for Segment's Actions Tester, a page that tries out a destination; `0` picks a free one. Without it, "
            "there is none: it has no authentication."
        ),
    )
    actions_tester_host: str = Field(
        default="127.0.0.1", description="Address for the Actions Tester. It must be one of this machine only."
    )
    actions_tester_origins: list[str] = Field(
        default_factory=lambda: [
            "https://app.segment.com",
            "https://eu1.app.segment.com",
            "https://app.segment.build",
            "https://eu1.app.segment.build",
            "http://localhost:8000",
        ],
        description="Web pages that may use the Actions Tester, as origins. The defaults are those of Segment.",
    )
    certificate: str | None = Field(
        default=None,
        description="Path of a TLS certificate (PEM) with its chain. Without it, the service uses HTTP.",
    )
    certificate_key: str | None = Field(default=None, description="Path of the key of the certificate (PEM).")
    trusted_proxies: list[str] = Field(
        default_factory=list,
        description="Addresses or networks of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.",
    )
    write_keys: dict[str, str] = Field(
        default_factory=dict,
        description="Write keys of SDKs, each with the name of its account (or `default`, that of `[settings]`).",
    )
    direct: bool = Field(default=True, description="Take events of Segment's Direct Destination at `/segment`.")
    webhook: WebhookOptions | None = Field(default=None, description="Take events at `/webhook`.")
    page: bool = Field(
        default=True,
        description=(
            "Serve the page at `/`, on the admin address if there is one. It needs no token if the service is used "
            "from this machine only."
        ),
    )
    page_token_env: str | None = Field(
        default=None,
        description=(
            "Name of the environment variable with a token for the page. Without a token, only this machine may use it."
        ),
    )
    page_token_file: str | None = Field(
        default=None, description="Path of a file with the token for the page, relative to the configuration."
    )
    origins: list[str] = Field(
        default_factory=lambda: ["*"],
        description="Web pages that may send events, as origins (`https://www.example.com`); `*` for all.",
    )
    analytics_js: str | None = Field(
        default=None, description="Path of a build of Analytics.js, served to web pages that load it from this host."
    )
    require_message_id: bool = Field(
        default=False,
        description="Reject events without `messageId`. Without it they get one, but a client's retry gets another.",
    )
    event_bytes: int = Field(
        default=256 * KILOBYTE, ge=KILOBYTE, le=16 * MEGABYTE, description="Maximum bytes of one event."
    )
    batch_bytes: int = Field(
        default=2 * MEGABYTE,
        ge=KILOBYTE,
        le=64 * MEGABYTE,
        description="Maximum bytes of one request, after decompression.",
    )
    connections: int = Field(
        default=10_000,
        ge=1,
        le=100_000,
        description=(
            "Maximum connections at a time. Old SDKs open one for each event. There are fewer if the system allows "
            "fewer open files."
        ),
    )
    request_seconds: float = Field(
        default=30, gt=0, le=600, description="Seconds that a client may take to send a request."
    )
    waiting_events: int = Field(
        default=20_000,
        ge=1,
        description="Maximum events of one account that wait to be stored. Beyond it, requests are refused.",
    )
    events_per_second: float | None = Field(
        default=None,
        gt=0,
        description=(
            "Maximum events per second of one account, on average over ten seconds. Beyond it, requests are refused. "
            "Without it, there is no limit."
        ),
    )
    waiting_megabytes: float = Field(
        default=64, gt=0, description="Maximum size of all requests that wait to be stored, in megabytes."
    )
    secrets_key_file: str = Field(
        default="secrets.key",
        description=(
            "Path of the file with the keys that encrypt stored credentials, relative to the configuration. "
            "`KABLE_SECRETS_KEY` takes its place."
        ),
    )

    @field_validator("actions_tester_host")
    @classmethod
    def _is_loopback(cls, value: str) -> str:
        if not is_loopback(value):
            raise ValueError(f'"{value}" is not an address of this machine only; the Actions Tester has no passwords')
        return value

    @field_validator("origins", "actions_tester_origins")
    @classmethod
    def _are_origins(cls, value: list[str]) -> list[str]:
        for origin in value:
            scheme, sign, rest = origin.partition("://")
            is_origin = bool(sign) and scheme in {"http", "https"} and bool(rest) and not {*rest} & {*"/?#@ "}
            if origin != "*" and not is_origin:
                raise ValueError(f'"{origin}" is not an origin; write one like "https://www.example.com", or "*"')
        return value

    @field_validator("write_keys", mode="before")
    @classmethod
    def _are_keys(cls, value: Any) -> Any:
        for key in value if isinstance(value, dict) else ():
            if not (isinstance(key, str) and key and key.isascii() and key.isprintable() and ":" not in key):
                raise ValueError("a write key is made of printable ASCII letters without a colon")
        return value
