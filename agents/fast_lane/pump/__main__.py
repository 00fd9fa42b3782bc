"""`python -m agents.fast_lane.pump`: compile it now."""

import sys

from agents.fast_lane.pump.library import Unavailable, compiled

try:
    sys.stdout.write(f"{compiled()}\n")
except Unavailable as why:
    sys.exit(f"Audio will be carried in Python: {why}")
