"""How many examples a test takes that makes them by chance. `make soak` takes many."""

from __future__ import annotations

import os

EXAMPLES = int(os.environ.get("KABLE_EXAMPLES", "100"))
