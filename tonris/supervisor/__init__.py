"""Everything that `manage.py up` does: servers, migrations, processes, a demo call, and an orderly end.

entry.py     the way in: bring_up
run.py       the order of things: Supervisor
plan.py      the commands that make up TONRIS
children.py  one child process: started, restarted, stopped
leftovers.py children of an `up` that was killed
survey.py    what runs in this checkout, and an end to it
lock.py      one `up` for a checkout
address.py   the address to listen on
console.py   what the user sees
"""

from .address import DEFAULT_PORT, AddressError
from .entry import AlreadyRunning, bring_up
from .plan import DRAIN_SECONDS, Plan, Program, standard_plan
from .survey import StopFailed, erase, status, stop_everything

__all__ = [
    "DEFAULT_PORT",
    "DRAIN_SECONDS",
    "AddressError",
    "AlreadyRunning",
    "Plan",
    "Program",
    "StopFailed",
    "bring_up",
    "erase",
    "standard_plan",
    "status",
    "stop_everything",
]
