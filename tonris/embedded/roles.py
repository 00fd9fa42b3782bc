"""Who may do what in the database. Made anew or put right at every start.

`tonris_owner` owns the database and its tables and runs the migrations. `tonris_app` reads and writes rows
and owns nothing, so that row-level security holds for it. Neither is a superuser: that one sees every tenant.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

DATABASE = "tonris"
OWNER = "tonris_owner"
APP = "tonris_app"

DISCREET = {"log_min_error_statement": "panic", "log_error_verbosity": "terse"}
"""A statement that fails, and the row that it fails for, are what callers say and who they are: the server's log has
the error alone. Nobody but a superuser can say so."""

_Connection = psycopg.Connection[tuple[object, ...]]

# Also in template1, so that a database which the owner creates (a test's, say) is usable by the application.
_PRIVILEGES = f"""
    GRANT USAGE ON SCHEMA public TO {APP};
    ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {APP};
    ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT USAGE, SELECT ON SEQUENCES TO {APP};
"""


def prepare(conninfo: str, *, owner_password: str, app_password: str) -> None:
    """Make the roles, the database and the privileges as they should be. `conninfo` is the superuser's."""
    with psycopg.connect(conninfo, dbname="postgres", autocommit=True) as connection:
        _make_role(connection, OWNER, "CREATEDB", owner_password)
        _make_role(connection, APP, "NOCREATEDB", app_password)
    with psycopg.connect(conninfo, dbname="template1") as connection:
        connection.execute(_PRIVILEGES)
    with psycopg.connect(conninfo, dbname="postgres", autocommit=True) as connection:
        _make_database(connection)
    with psycopg.connect(conninfo, dbname=DATABASE) as connection:
        connection.execute(_PRIVILEGES)


def _make_role(connection: _Connection, role: str, createdb: str, password: str) -> None:
    known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone() is not None
    # Hashed here, so that the password itself never reaches the server's log.
    hashed = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    connection.execute(
        sql.SQL(
            "{verb} ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOREPLICATION {createdb}"
            " PASSWORD {hash}"
        ).format(
            verb=sql.SQL("ALTER" if known else "CREATE"),
            role=sql.Identifier(role),
            createdb=sql.SQL(createdb),
            hash=sql.Literal(hashed),
        )
    )
    for name, value in DISCREET.items():
        connection.execute(
            sql.SQL("ALTER ROLE {} SET {} = {}").format(
                sql.Identifier(role), sql.Identifier(name), sql.Literal(value)
            )
        )


def _make_database(connection: _Connection) -> None:
    if connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
        connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
