"""Self-made certificates, for servers that speak TLS on a loopback port."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    """A certificate that signs itself, and its key, as files."""

    file: Path
    key: Path

    @property
    def server(self) -> ssl.SSLContext:
        """A context for a server that shows it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, self.key)
        return context


def make_certificate(folder: Path, name: str = "localhost", *, not_after: str | None = None) -> Certificate:
    """Make a certificate for a name, good for a day, or until `not_after` (YYYYMMDDHHMMSSZ)."""
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    request, serial = folder / f"{name}.csr", folder / f"{name}-ca"
    subject = ("-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(made.key))
    if not_after is None:
        _openssl("req", "-x509", *key, "-out", str(made.file), "-days", "1", *subject)
        return made
    serial.mkdir()
    (serial / "index.txt").touch()
    configuration = serial / "openssl.cnf"
    configuration.write_text(
        f"[ca]\ndefault_ca=own\n[own]\ndatabase={serial}/index.txt\nnew_certs_dir={serial}\nrand_serial=yes\n"
        "default_md=sha256\npolicy=any\ncopy_extensions=copyall\n[any]\ncommonName=supplied\n"
    )
    _openssl("req", "-new", *key, "-out", str(request), *subject)
    times = ("-startdate", "20010101000000Z", "-enddate", not_after)
    signing = ("-selfsign", "-batch", "-in", str(request), "-keyfile", str(made.key), "-out", str(made.file), "-notext")
    _openssl("ca", "-config", str(configuration), *signing, *times)
    return made


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)  # noqa: S607 - the system's
