"""Empties the tables after a test that has committed rows, in a tenth of the time that Django's flush takes.

Flush truncates every table, each with the files of its indexes, and then makes content types and permissions anew.
Tests leave a few rows: here these are deleted, and what migrations have made stays.
"""

from django.apps import apps
from django.db import connection, transaction
from django.test import TransactionTestCase

from tenants.audit.models import AuditDetail, AuditEntry

KEPT = {"django_content_type", "auth_permission"}
TRAIL = f"{AuditEntry._meta.db_table}, {AuditDetail._meta.db_table}"
"""From the first nobody may delete, and the second refers to it."""
MOST_BYTES = 1024 * 1024
"""Of a table; deleted rows take room until they are vacuumed."""

_EMPTY = """
DO $$
DECLARE
  tables regclass[] := '{%(tables)s}';
  one regclass;
BEGIN
  PERFORM set_config('app.platform', 'on', true);
  LOCK TABLE %(tables)s IN SHARE ROW EXCLUSIVE MODE;  -- waits for whoever still writes
  IF (SELECT max(pg_relation_size(each)) FROM unnest(tables) each) > %(most)s THEN
    TRUNCATE %(tables)s;
  ELSE
    IF EXISTS (SELECT FROM %(entry)s) THEN
      TRUNCATE %(trail)s;
    END IF;
    FOREACH one IN ARRAY tables LOOP
      EXECUTE 'DELETE FROM ' || one;
    END LOOP;
  END IF;
END $$
"""


def empty_tables(_test: TransactionTestCase) -> None:
    """In place of `TransactionTestCase._fixture_teardown`."""
    tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True)} - KEPT
    told = {
        "tables": ",".join(sorted(tables)),
        "trail": TRAIL,
        "entry": AuditEntry._meta.db_table,
        "most": MOST_BYTES,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_EMPTY % told)
