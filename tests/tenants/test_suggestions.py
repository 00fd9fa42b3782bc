"""Codes that the page of a business offers, and takes from who knows better."""

import re

import pytest

from agents.speech import LANGUAGES
from appointments.models import Service
from tenants.admin_suggestions import BY_FIELD
from tenants.models import Tenant, validate_timezone
from tenants.scoping import platform_scope, tenant_scope
from tests.desk.test_old_pages import Page
from tests.tenants.test_admin import cheaper_settings, member, operator

__all__ = ["cheaper_settings", "member", "operator"]


def offered(page: str, name: str) -> list[str]:
    field = re.search(rf'<input[^>]*name="{name}"[^>]*>', page)
    assert field is not None
    assert f'list="{name}-known"' in field[0]
    listed = re.search(rf'<datalist id="{name}-known">(.*?)</datalist>', page)
    assert listed is not None
    return re.findall(r'value="([^"]*)"', listed[1])


@pytest.mark.parametrize(
    ("name", "code"),
    [("timezone", "Europe/Berlin"), ("timezone", "UTC"), ("language", "es"), ("currency", "EUR")],
)
def test_the_page_of_a_business_offers_codes(member, salon, name, code):
    assert code in offered(member("owner").get(f"/admin/tenants/tenant/{salon.pk}/change/").text, name)


def test_so_does_that_of_a_service(member, salon):
    with tenant_scope(salon):
        service = Service.objects.first()
    assert "CHF" in offered(
        member("owner").get(f"/admin/appointments/service/{service.pk}/change/").text, "currency"
    )


def test_what_is_offered_will_do():
    assert {code for code, _ in BY_FIELD["language"]()} == set(LANGUAGES)
    for name, _ in BY_FIELD["timezone"]():
        validate_timezone(name)


def test_another_code_may_be_typed_and_is_examined_as_ever(operator, salon):
    page = Page(operator, salon)
    assert "is not an IANA time zone" in page.save(timezone="Europe/Berlinn").text
    assert page.save(language="de-AT", currency="ISK").status_code == 302
    with platform_scope():
        row = Tenant.objects.get(pk=salon.pk)
    assert (row.language, row.currency) == ("de-AT", "ISK")
