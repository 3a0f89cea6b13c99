"""What all tests share."""

import sys
from pathlib import Path

from hypothesis import settings

# Byte code as it is shipped has no docstrings, which some tests read: the tests keep a cache of their own. The daemons
# that they start do not, and run what a user would run.
sys.pycache_prefix = str(Path(__file__).parent.parent / ".venv" / "pycache")

# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("offhook", deadline=None)
settings.load_profile("offhook")
