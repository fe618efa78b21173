"""`python -m kable_destination.runner`: the command line."""

from .cli import main

main()
