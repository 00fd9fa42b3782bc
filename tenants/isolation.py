"""The second wall: row-level security and composite foreign keys, as migration operations.

PostgreSQL checks a foreign key without regard to row-level security, so a plain one would let a row of one
tenant point at a row of another. Keys between tenant-owned tables therefore carry the tenant: they reference
`(tenant_id, id)`. Superusers, owners without FORCE and roles with BYPASSRLS ignore policies: the application
connects as a role that is none of these.
"""

from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

POLICY = "tenant_isolation"

# NULLIF: once a transaction has set it, the setting stays '' for the rest of the connection, not NULL.
_BELONGS = (
    "{column} = NULLIF(current_setting('app.tenant_id', true), '')::uuid "
    "OR current_setting('app.platform', true) = 'on'"
)


class TenantForeignKey(models.ForeignKey):  # type: ignore[type-arg]
    """A foreign key between two tenant-owned tables; `IsolateTenant` makes its composite constraint."""

    def __init__(self, to: Any, on_delete: Any, **kwargs: Any) -> None:
        kwargs["db_constraint"] = False
        super().__init__(to, on_delete, **kwargs)


class TenantOneToOneField(models.OneToOneField):  # type: ignore[type-arg]
    """As TenantForeignKey, unique."""

    def __init__(self, to: Any, on_delete: Any, **kwargs: Any) -> None:
        kwargs["db_constraint"] = False
        super().__init__(to, on_delete, **kwargs)


class IsolateTenant(Operation):
    """Row-level security on a model's table, `UNIQUE (tenant_id, id)` and its composite foreign keys."""

    reversible = True
    reduces_to_sql = True

    def __init__(self, model: str, column: str = "tenant_id") -> None:
        self.model = model
        self.column = column

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return self.__class__.__qualname__, [self.model, self.column], {}

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        pass

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model)
        for statement in self._forwards(model):
            schema_editor.execute(statement)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = from_state.apps.get_model(app_label, self.model)
        for statement in self._backwards(model):
            schema_editor.execute(statement)

    def describe(self) -> str:
        return f"Isolate {self.model} by tenant"

    def _forwards(self, model: type[models.Model]) -> list[str]:
        table = model._meta.db_table
        belongs = _BELONGS.format(column=self.column)
        statements = [
            f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
            f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
            f'CREATE POLICY {POLICY} ON "{table}" USING ({belongs}) WITH CHECK ({belongs})',
        ]
        if self.column == "tenant_id":
            statements.append(
                f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_tenant_key" UNIQUE (tenant_id, id)'
            )
        return statements + [composite_key(field) for field in tenant_keys(model)]

    def _backwards(self, model: type[models.Model]) -> list[str]:
        table = model._meta.db_table
        drop = 'ALTER TABLE "{}" DROP CONSTRAINT "{}"'
        statements = [drop.format(table, key_name(field)) for field in tenant_keys(model)]
        if self.column == "tenant_id":
            statements.append(drop.format(table, f"{table}_tenant_key"))
        return [
            *statements,
            f'DROP POLICY {POLICY} ON "{table}"',
            f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY',
            f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY',
        ]


class AddTenantKey(IsolateTenant):
    """The composite constraint of one TenantForeignKey that was added to a table isolated before."""

    def __init__(self, model: str, field: str) -> None:
        super().__init__(model)
        self.field = field

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return self.__class__.__qualname__, [self.model, self.field], {}

    def describe(self) -> str:
        return f"Tie {self.model}.{self.field} to its tenant"

    def _forwards(self, model: type[models.Model]) -> list[str]:
        return [composite_key(model._meta.get_field(self.field))]

    def _backwards(self, model: type[models.Model]) -> list[str]:
        name = key_name(model._meta.get_field(self.field))
        return [f'ALTER TABLE "{model._meta.db_table}" DROP CONSTRAINT "{name}"']


def tenant_keys(model: type[models.Model]) -> list[Any]:
    """The foreign keys of a model that lead to another tenant-owned table."""
    return [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, TenantForeignKey | TenantOneToOneField)
    ]


def key_name(field: Any) -> str:
    return f"{field.model._meta.db_table}_{field.column}_tenant_fk"[:63]


def composite_key(field: Any) -> str:
    table, target = field.model._meta.db_table, field.remote_field.model._meta.db_table
    return (
        f'ALTER TABLE "{table}" ADD CONSTRAINT "{key_name(field)}" FOREIGN KEY (tenant_id, "{field.column}") '
        f'REFERENCES "{target}" (tenant_id, id) DEFERRABLE INITIALLY DEFERRED'
    )
