"""PostgreSQL and Redis for a machine that has neither: found or brought along, started, adopted, stopped.

launch.py      which servers to use, in which order; start_ephemeral for tests
binaries.py    where their programs are
place.py       where their data goes, and which user they run as
postgresql.py  one PostgreSQL server          roles.py  who may do what in it
redis_server.py  one Valkey or Redis server
processes.py   pids that may be somebody else's by now          tether.py  a child that dies with its parent
"""

from .errors import EmbeddedError, ServerFailed, ServerNotFound
from .launch import (
    Found,
    Launcher,
    Services,
    find_running,
    log_file,
    server_directories,
    servers_place,
    start_ephemeral,
)

__all__ = [
    "EmbeddedError",
    "Found",
    "Launcher",
    "ServerFailed",
    "ServerNotFound",
    "Services",
    "find_running",
    "log_file",
    "server_directories",
    "servers_place",
    "start_ephemeral",
]
