"""The network between an outbox and its server fails: connections are reset, or packets vanish without a word."""

from __future__ import annotations

import asyncio
import os
import random
from typing import TYPE_CHECKING

import own_network
from cutting_proxy import cutting_proxy
from postgres_server import own_server, require_postgres, shared_server
from postgres_work import work_while

if TYPE_CHECKING:
    import threading
    from pathlib import Path

    from postgres_work import Work

RESETS = int(os.environ.get("KABLE_POSTGRES_RESETS", "20"))
CUTS = int(os.environ.get("KABLE_POSTGRES_CUTS", "2"))
_NOTICED_SOON = "&tcp_user_timeout=1000&keepalives_idle=1&keepalives_interval=1&keepalives_count=1&connect_timeout=2"


def test_connections_that_are_reset_at_random_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    require_postgres()
    dice = random.Random(3)  # noqa: S311 - no secret
    url = shared_server().outbox(tmp_path)

    def reset(is_over: threading.Event, _work: Work) -> None:
        for _ in range(RESETS):
            if is_over.wait(dice.uniform(0.005, 0.15)):
                return
            proxy.reset_all()

    with cutting_proxy(shared_server().port) as proxy:
        through = url.replace(f":{shared_server().port}/", f":{proxy.port}/")
        asyncio.run(work_while(reset, through, url))
        assert proxy.resets >= RESETS


def test_packets_that_vanish_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    """Nobody hears of it: the client notices by itself, and the server ends what nobody continues."""
    require_postgres()
    dice = random.Random(4)  # noqa: S311 - no secret

    def cut(is_over: threading.Event, work: Work) -> None:
        for _ in range(CUTS):
            before = len(work.put)
            while len(work.put) < before + 100 and not is_over.wait(0.01):
                pass
            is_over.wait(dice.uniform(0, 0.1))
            own_network.cut()
            is_over.wait(dice.uniform(2, 4))
            own_network.restore()

    def run() -> None:
        with own_server() as server:
            url = server.outbox(tmp_path)
            asyncio.run(work_while(cut, url + _NOTICED_SOON, url))

    own_network.in_own_network(run)
