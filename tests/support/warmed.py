"""What a fork server of the command line has done when it forks, so that no program has to do it again.

Python keeps the pattern that masks the key, and what it has found of the packages that are installed.
"""

from __future__ import annotations

import os
from importlib.metadata import entry_points

from kable_destination.definitions import Redactor

Redactor([os.environ.get("KABLE_API_KEY", "")])
entry_points()
