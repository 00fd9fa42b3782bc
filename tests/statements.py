"""Statements that live calls put together, carried out at once."""

from django.db import connection

from tenants.scoping import Statement


def write_down(statement: Statement) -> None:
    """Needs the tenant's scope."""
    with connection.cursor() as cursor:
        cursor.execute(*statement)
