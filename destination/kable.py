"""The Kable destination: the object that the entry point names."""

from __future__ import annotations

from ..actions import identify, track
from ..definitions import Authentication, DestinationDefinition
from .answers import answers
from .documentation import documentation
from .environments import authenticate, environments, extend_request
from .presets import presets
from .settings import settings

kable = DestinationDefinition(
    name="Kable",
    slug="actions-kable",
    description="Billing infrastructure and analytics for API companies: Segment events become usage events.",
    mode="cloud",
    settings=settings,
    authentication=Authentication(scheme="custom", fields=("apiKey", "kableClientId"), test=authenticate),
    extend_request=extend_request,
    environments=environments,
    actions={"track": track, "identify": identify},
    presets=presets,
    answers=answers,
    request_id_header="X-REQUEST-ID",
    documentation=documentation,
)
