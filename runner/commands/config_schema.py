"""The command `config-schema`."""

from __future__ import annotations

import typer

from .exit_codes import OK, exits
from .options import DestinationOption


@exits
def config_schema(*, destination: DestinationOption = None) -> int:
    """Print the JSON Schema of the configuration file.

    Editors use it to complete and check keys. Name it in the first line of the file: #:schema ./kable.schema.json
    """
    from ..configuration import plugins
    from ..configuration.configuration import DEFAULT_DESTINATION
    from ..configuration.schema import configuration_schema

    name = destination or DEFAULT_DESTINATION
    definition = plugins.load(name)
    typer.echo(configuration_schema(definition, plugins.short_name(name, definition)), nl=False)
    return OK
