"""Whose certificates are trusted, and what to do about one that is not."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from ...definitions import Problem, SetupError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import aiohttp

_OUT_OF_TIME = frozenset({9, 10})
"""X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED."""

_OTHER_NAME = frozenset({62, 64})
"""X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH."""


def trusted_certificates() -> ssl.SSLContext:
    """Return a context that verifies certificates with those of the system, or of SSL_CERT_FILE and SSL_CERT_DIR."""
    return ssl.create_default_context()


def check_certificate_files(environment: Mapping[str, str]) -> None:
    """Raise SetupError if a variable names certificates that cannot be read: OpenSSL passes over them in silence."""
    problems = []
    file, folders = environment.get("SSL_CERT_FILE", ""), environment.get("SSL_CERT_DIR", "")
    if file and not _holds_certificates(file):
        problems.append(Problem("SSL_CERT_FILE", f"names no file of certificates in PEM that can be read: {file}"))
    if folders and not any(Path(folder).is_dir() for folder in folders.split(os.pathsep)):
        problems.append(Problem("SSL_CERT_DIR", f"names no folder that exists: {folders}"))
    if problems:
        raise SetupError.of(problems)


def certificate_fault(error: aiohttp.ClientConnectorCertificateError, host: str) -> str:
    """Return what is wrong with a certificate on the way to a host, and what to do."""
    reason = error.certificate_error
    by_proxy = "" if host.partition(":")[0] == error.host else f" of the proxy {error.host}"
    code = getattr(reason, "verify_code", 0)
    words = getattr(reason, "verify_message", "") or "it cannot be verified"
    if code in _OUT_OF_TIME:
        advice = "check the clock of this machine; if it is right, the certificate must be renewed there"
    elif code in _OTHER_NAME:
        advice = "check the address, and what answers in its place"
    else:
        advice = (
            "if you trust who issued it, such as your company's proxy, name the issuer's certificate in SSL_CERT_FILE"
        )
    return f"the certificate{by_proxy} on the way to {host} is not trusted: {words}; {advice}"


def _holds_certificates(file: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except OSError:  # an SSLError is one too
        return False
    return True
