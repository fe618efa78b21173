"""What stands for `python` in a shell: it asks a fork server for the program, and ends as that ends.

python -ES fork_client.py ADDRESS INSTALLED END -m MODULE ARGUMENTS…

INSTALLED is a folder of packages that the program finds beside those of the server, or `-`. END is `early` or `whole`:
whether the interpreter is left as it is at the end, or taken apart. The program has the folder, the environment and
the descriptors of this process, and gets its signals.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

from fork_messages import connect, read_integer, send_request

_FORWARDED = {signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2}
_IGNORED_BY_PYTHON = {signal.SIGPIPE, signal.SIGXFSZ}


def open_descriptors() -> list[int]:
    """Return the descriptors that the shell has given."""
    found = [int(name) for name in os.listdir("/dev/fd")]  # noqa: PTH208 - pathlib takes its time
    return sorted(number for number in found if _is_open(number))


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        # It was that of the list itself.
        return False
    return True


def main(address: str, installed: str, end: str, command: list[str]) -> None:
    """Run a program to its end, and end as it did."""
    descriptors = open_descriptors()
    ignored = [number for number in signal.valid_signals() if signal.getsignal(number) is signal.SIG_IGN]
    # What comes before the process is known has to wait.
    signal.pthread_sigmask(signal.SIG_BLOCK, _FORWARDED)
    connection = connect(address)
    send_request(
        connection,
        command,
        os.getcwd(),  # noqa: PTH109 - pathlib takes its time
        os.environ,
        {number: number for number in descriptors},
        installed=installed,
        ignored=[number for number in ignored if number not in _IGNORED_BY_PYTHON],
        ends_early=end == "early",
    )
    # Whoever reads or writes at the other end is to see when the program closes its own.
    for number in descriptors:
        os.close(number)
    process = read_integer(connection)
    for number in _FORWARDED - set(ignored):
        signal.signal(number, lambda number, _: os.kill(process, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _FORWARDED)
    code = read_integer(connection)
    if code < 0:
        # Some cannot be caught, so that this is refused.
        with suppress(OSError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    # There are no streams to flush any more.
    os._exit(code)


main(sys.argv[1], "" if sys.argv[2] == "-" else sys.argv[2], sys.argv[3], sys.argv[4:])
