"""What Kable's answers mean.

Kable documents 200 and 401; the rest follows HTTP (RFC 9110) and the rule that nothing is lost or billed twice.
"""

from __future__ import annotations

from ..definitions import Answer

answers = (
    Answer(statuses=("2xx",), meaning="delivered", json_only=True, description="Kable has the events."),
    Answer(
        statuses=("400", "409", "413", "422"),
        meaning="refused",
        description="Kable does not accept something in it.",
    ),
    Answer(
        statuses=("401", "403"),
        meaning="credentials",
        description="the API Key or the Kable Client ID.",
    ),
    Answer(
        statuses=("3xx", "4xx"),
        meaning="configuration",
        description="the address, the account or a proxy on the way; redirects are never followed.",
    ),
    Answer(
        statuses=("408", "423", "425", "429", "5xx"),
        meaning="retryable",
        description="Kable is busy or has a fault.",
    ),
)
