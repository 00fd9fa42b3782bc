"""Two walls between tenants; each must hold when the other is taken down."""

import asyncio
import contextvars
import uuid
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, connection, models, transaction
from django.test.utils import CaptureQueriesContext

from appointments.models import Employee, EmployeeService, Service
from tenants.isolation import POLICY, TenantForeignKey, TenantOneToOneField, key_name
from tenants.models import Tenant, TenantOwned
from tenants.scoping import (
    ScopeConflict,
    ScopeRequired,
    active_scope,
    in_tenant,
    in_thread,
    platform_scope,
    tenant_scope,
)

OWNED = [model for model in apps.get_models() if issubclass(model, TenantOwned)]


def unscoped(model: type[models.Model]) -> Any:
    """A query as Django would make it without our managers: only the database's wall stands."""
    return models.QuerySet(model)


# --- The first wall: managers --------------------------------------------------------------------


@pytest.mark.parametrize("model", OWNED, ids=lambda model: model.__name__)
def test_a_query_without_a_tenant_raises(model):
    with pytest.raises(ScopeRequired):
        model.objects.all()
    with pytest.raises(ScopeRequired):
        model._base_manager.all()


def test_the_managers_alone_keep_tenants_apart(salon, garage):
    with platform_scope():
        everything = set(unscoped(Service).values_list("name", flat=True))
    assert {"Haircut", "Oil change"} <= everything
    with tenant_scope(salon):
        _see_all_rows()  # the database's wall is down: only the manager's filter is left
        assert "Oil change" not in set(Service.objects.values_list("name", flat=True))
        assert "Oil change" in set(unscoped(Service).values_list("name", flat=True))


def _see_all_rows() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.platform', 'on', true)")


def test_another_tenants_rows_cannot_be_asked_for(salon, garage):
    with tenant_scope(salon), pytest.raises(ScopeConflict):
        Service.objects.for_tenant(garage)


def test_scopes_of_two_tenants_do_not_nest(salon, garage):
    with tenant_scope(salon), pytest.raises(ScopeConflict), tenant_scope(garage):
        pass
    with tenant_scope(salon), pytest.raises(ScopeConflict), platform_scope():
        pass


def test_a_scope_ends_with_its_block(salon):
    with tenant_scope(salon), tenant_scope(salon):
        assert active_scope().tenant_id == salon.pk
    with pytest.raises(ScopeRequired):
        active_scope()


def test_related_rows_stand_behind_the_wall_too(salon):
    with tenant_scope(salon):
        service = Service.objects.get(name="Haircut")
    with pytest.raises(ScopeRequired):
        list(service.employees.all())


# --- The second wall: the database ---------------------------------------------------------------


def test_without_a_scope_the_database_shows_nothing(salon):
    assert list(unscoped(Service)) == []
    assert list(unscoped(Tenant)) == []


def test_the_database_alone_keeps_tenants_apart(salon, garage):
    with tenant_scope(salon):
        assert {row.tenant_id for row in unscoped(Service)} == {salon.pk}
        assert [row.pk for row in unscoped(Tenant)] == [salon.pk]


def test_a_row_cannot_be_written_for_another_tenant(salon, garage):
    with tenant_scope(salon), pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
        unscoped(Employee).create(tenant=garage, name="Mallory")


def test_a_row_cannot_be_moved_to_another_tenant(salon, garage):
    with tenant_scope(salon), pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
        unscoped(Employee).filter(name="Ana").update(tenant=garage)


def test_another_tenants_row_cannot_be_changed_or_deleted(salon, garage):
    with tenant_scope(salon):
        assert unscoped(Employee).filter(name="Carla").update(name="Owned") == 0
        assert unscoped(EmployeeService).filter(employee__name="Carla").delete()[0] == 0
    with tenant_scope(garage):
        assert Employee.objects.filter(name="Carla").exists()


def test_a_row_cannot_point_at_another_tenants(salon, garage):
    with tenant_scope(garage):
        foreign = Service.objects.first()
    with tenant_scope(salon):
        ana = Employee.objects.get(name="Ana")
        with pytest.raises(IntegrityError, match="foreign key"), transaction.atomic():
            EmployeeService.objects.create(tenant=salon, employee=ana, service_id=foreign.pk)
            connection.check_constraints()


def test_the_scope_is_gone_from_the_connection_when_the_transaction_ends(salon):
    with tenant_scope(salon):
        pass
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('app.tenant_id', true), current_setting('app.platform', true)")
        assert set(cursor.fetchone()) <= {"", None}


def test_a_scope_survives_an_inner_one_that_failed(salon):
    with tenant_scope(salon):
        with pytest.raises(ValueError, match="inner"), tenant_scope(salon):
            raise ValueError("inner")
        assert unscoped(Service).exists()


@pytest.mark.django_db(transaction=True)
def test_outside_of_a_transaction_nothing_is_left(salon):
    with tenant_scope(salon):
        assert Service.objects.exists()
    assert not unscoped(Service).exists()


@pytest.mark.django_db(transaction=True)
async def test_two_tenants_at_once_in_threads_never_mix(salon, garage):
    def names() -> set[str]:
        return {row.name for row in unscoped(Service)}

    answers = await asyncio.gather(*(in_tenant(t.pk, names) for t in (salon, garage) for _ in range(20)))
    for seen in answers[:20]:
        assert "Haircut" in seen
        assert "Oil change" not in seen
    for seen in answers[20:]:
        assert "Oil change" in seen
        assert "Haircut" not in seen


# --- That no table was forgotten -----------------------------------------------------------------


def test_the_application_role_can_be_held_back(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False, False)
        cursor.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tableowner = current_user"
        )
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize("model", [*OWNED, Tenant], ids=lambda model: model.__name__)
def test_every_tenant_owned_table_is_isolated(db, model):
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = %s::regclass", [table]
        )
        assert cursor.fetchone() == (True, True)
        cursor.execute(
            "SELECT policyname, qual IS NOT NULL, with_check IS NOT NULL FROM pg_policies WHERE tablename = %s",
            [table],
        )
        assert cursor.fetchall() == [(POLICY, True, True)]


@pytest.mark.parametrize("model", OWNED, ids=lambda model: model.__name__)
def test_every_key_between_tenant_owned_tables_carries_the_tenant(db, model):
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, model._meta.db_table)
    for field in model._meta.concrete_fields:
        target = field.related_model
        if isinstance(target, type) and issubclass(target, TenantOwned):
            assert isinstance(field, TenantForeignKey | TenantOneToOneField), f"{model.__name__}.{field.name}"
            assert constraints[key_name(field)]["columns"] == ["tenant_id", field.column]


@pytest.mark.parametrize("model", OWNED, ids=lambda model: model.__name__)
def test_uniqueness_does_not_tell_of_other_tenants(model):
    """Carriers' and providers' own ids are unique in the world; everything else per tenant."""
    worldwide = {
        "telephony_phonenumber.e164",
        "carrier_call_once",
        "stream_token_once",
        "provider_session_once",
    }
    for field in model._meta.concrete_fields:
        if field.unique and not field.primary_key:
            one_per_row = isinstance(field, TenantOneToOneField)
            assert one_per_row or f"{model._meta.db_table}.{field.name}" in worldwide
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint) and constraint.name not in worldwide:
            named = {*constraint.fields, *(str(part) for part in constraint.expressions)}
            assert any("tenant" in name for name in named), constraint.name


def test_a_tenant_that_does_not_exist_sees_nothing(salon):
    with tenant_scope(uuid.uuid4()):
        assert not Service.objects.exists()


def test_a_scope_within_the_same_scope_costs_no_statement_more_than_its_savepoint(salon):
    with tenant_scope(salon), CaptureQueriesContext(connection) as queries, tenant_scope(salon):
        assert Service.objects.exists()
    assert len([one for one in queries if "set_config" in one["sql"]]) == 0


@pytest.mark.django_db(transaction=True)
async def test_a_thread_that_inherits_a_scope_tells_its_own_connection(salon):
    def within_a_transaction_of_its_own() -> bool:
        with transaction.atomic(), tenant_scope(salon):
            return Service.objects.exists()

    def inherit() -> contextvars.Context:
        with tenant_scope(salon):
            return contextvars.copy_context()

    inherited = await in_thread(inherit)
    assert await in_thread(inherited.run, within_a_transaction_of_its_own)
