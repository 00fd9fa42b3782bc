"""Lists of the admin under addresses that no page of ours links to: nonsense of whoever is logged in is no fault."""

import pytest
from django.contrib.admin.options import ModelAdmin

from tenants.admin_sites import operators
from tests.tenants.test_admin import cheaper_settings, operator

__all__ = ["cheaper_settings", "operator"]

APPOINTMENTS = "/ops/appointments/appointment/"
WRONG = [
    "status__exact=%00",
    "source=%00",
    "starts_at__year=9999",
    "starts_at__year=9999&starts_at__month=12&starts_at__day=31",
    "starts_at__year=99999999999999999999",
    "starts_at__year=2026&starts_at__month=2&starts_at__day=30",
    "created_at__year=0",
    "created_at__range=",
    "notes__range=abc",
    "notes__regex=[",
    "nothing__exact=1",
]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_lookup_that_cannot_be_is_answered_by_the_whole_list(operator, salon, wrong):
    answer = operator.get(f"{APPOINTMENTS}?{wrong}")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{APPOINTMENTS}?e=1")
    assert operator.get(answer.headers["Location"]).status_code == 200


@pytest.mark.parametrize(
    "odd", ["q=%00", "p=99999999999999999999", "p=-1", "p=x", "o=99.x.-7", "starts_at__year=2026"]
)
def test_what_only_finds_nothing_is_a_list(operator, salon, odd):
    assert operator.get(f"{APPOINTMENTS}?{odd}").status_code in {200, 302}


@pytest.mark.parametrize("model", operators._registry, ids=lambda model: model.__name__)
def test_every_list_is_careful(operator, salon, model):
    page = f"/ops/{model._meta.app_label}/{model._meta.model_name}/"
    texts = [one.name for one in model._meta.fields if one.get_internal_type() in {"CharField", "TextField"}]
    for name in texts or [model._meta.pk.name]:
        answer = operator.get(f"{page}?{name}__regex=%00")
        assert answer.status_code in {302, 400}, name  # 400: a lookup that Django does not allow


def test_choices_are_searched_without_what_no_text_can_have(operator, salon):
    question = {"app_label": "appointments", "model_name": "appointment", "field_name": "employee"}
    answer = operator.get("/ops/autocomplete/", {**question, "term": "A\0na"}).json()
    assert [choice["text"] for choice in answer["results"]] == ["Ana (Test Salon)"]


def test_a_fault_of_ours_is_not_taken_for_a_wrong_lookup(operator, salon, monkeypatch):
    def fail(*_: object) -> None:
        raise ValueError("ours")

    monkeypatch.setattr(ModelAdmin, "get_changelist_instance", fail)
    for page in (APPOINTMENTS, f"{APPOINTMENTS}?e=1"):
        with pytest.raises(ValueError, match="ours"):
            operator.get(page)
