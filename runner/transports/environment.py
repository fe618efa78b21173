"""What the environment says about the way to a host: proxies and certificates, checked before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .certificates import check_certificate_files
from .proxies import DEFAULT_PORT, proxy_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...definitions import Address


def check_environment(address: Address, environment: Mapping[str, str]) -> None:
    """Raise SetupError if a variable names a proxy or certificates that cannot be used on the way to an address."""
    if address.scheme == "https":
        proxy_for(address.host, address.port or DEFAULT_PORT, environment)
        check_certificate_files(environment)
