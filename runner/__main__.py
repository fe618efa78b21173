"""`python -m kable_destination.runner`: the command line."""

from .commands.app import main

main()
