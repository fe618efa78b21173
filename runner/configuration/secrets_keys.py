"""The keys that encrypt stored credentials: where they are, what they look like, and how one is made."""

from __future__ import annotations

import base64
import binascii
import os
import stat
from typing import TYPE_CHECKING

from ...definitions import Problem
from .secret_file import read_secret_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SECRETS_KEY = "KABLE_SECRETS_KEY"
"""The variable with the keys that encrypt stored credentials, the newest first, separated by commas."""

KEY_FILE = "secrets.key"
"""The file that `init` makes beside a configuration: one key on each line, the newest first."""

_KEY_BYTES = 32
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_ADVICE = f"`kable-destination init` makes one in {KEY_FILE}, and so does: openssl rand -base64 32 | tr '+/' '-_'"


def new_key() -> str:
    """Return a new random key, in the form of Fernet: 32 bytes as URL-safe base64."""
    return base64.urlsafe_b64encode(os.urandom(_KEY_BYTES)).decode("ascii")


def write_new_key(path: Path) -> bool:
    """Make a file with a new key, for its owner alone; return whether it was made. Raises OSError.

    A file that is there already is never overwritten: with its key, everything that was encrypted would be lost.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{new_key()}\n")
    return True


def read_secrets_keys(path: Path, environment: Mapping[str, str], problems: list[Problem]) -> tuple[str, ...]:
    """Return the keys of the variable, or of the file if that is there; none after adding problems."""
    text, place = environment.get(SECRETS_KEY), SECRETS_KEY
    if not text:
        if not os.path.lexists(path):
            return ()
        place = str(path)
        text = _from_file(place, path, problems)
    keys = [key for word in text.replace("\n", ",").split(",") if (key := word.strip())]
    faults = [*_faults(place, keys)]
    problems += faults
    return () if faults else tuple(dict.fromkeys(keys))


def _from_file(place: str, path: Path, problems: list[Problem]) -> str:
    try:
        is_shared = os.name == "posix" and bool(path.stat().st_mode & _OTHERS)
    except OSError as error:
        problems.append(Problem(place, f"cannot be read: {error.strerror}"))
        return ""
    if is_shared:
        problems.append(Problem(place, f"can be read by others; make it yours alone: chmod 600 {path}"))
    return read_secret_file(place, path, problems)


def _faults(place: str, keys: list[str]) -> Iterator[Problem]:
    """Yield a problem for each key that is none, by its number: a wrong key may be another secret."""
    for number, key in enumerate(keys, start=1):
        if not _is_key(key):
            which = "the key" if len(keys) == 1 else f"key {number} of {len(keys)}"
            yield Problem(place, f"{which} is not 32 bytes in URL-safe base64; {_ADVICE}")


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)) == _KEY_BYTES
    except (UnicodeEncodeError, binascii.Error):
        return False
