"""What Kable's answers mean, and what happens then.

Kable documents 200 and 401; the rest follows HTTP (RFC 9110) and the rule that nothing is lost or billed twice.
"""

from __future__ import annotations

from ..definitions import Answer

answers = (
    Answer(statuses=("2xx",), meaning="delivered", json_only=True, description="Kable has the events."),
    Answer(
        statuses=("400", "409", "413", "422"),
        meaning="refused",
        description="The content is at fault. It is never sent again as it is.",
    ),
    Answer(
        statuses=("401", "403"),
        meaning="credentials",
        description="The API key or the Kable Client ID is wrong. Sending stops; nothing is lost.",
    ),
    Answer(
        statuses=("404", "405", "410", "501", "3xx"),
        meaning="configuration",
        description="The address is wrong: redirects are never followed. Sending stops; nothing is lost.",
    ),
    Answer(
        statuses=("408", "425", "429", "5xx"),
        meaning="retryable",
        description="A passing fault. The same request is sent again, no earlier than Retry-After asks.",
    ),
)
