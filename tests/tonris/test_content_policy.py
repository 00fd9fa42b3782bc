"""What browsers are told that our pages may load."""

import pytest
from django.http import HttpResponse, JsonResponse
from django.test import Client, RequestFactory

from tonris.content_policy import ADMIN, ELSEWHERE, HEADER, say_what_pages_may_load


def answered(path: str, response: HttpResponse) -> str | None:
    return say_what_pages_may_load(lambda request: response)(RequestFactory().get(path)).headers.get(HEADER)


@pytest.mark.django_db
@pytest.mark.parametrize("site", ["admin", "ops"])
def test_pages_of_an_admin_load_nothing_from_elsewhere(site, settings):
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    policy = Client().get(f"/{site}/login/").headers[HEADER]
    assert policy == ADMIN
    assert "https:" not in policy
    assert "frame-ancestors 'none'" in policy


def test_other_pages_run_nothing(settings):
    settings.DEBUG = False
    assert answered("/c/token", HttpResponse("a page")) == ELSEWHERE


def test_a_page_that_says_it_itself_is_left_alone():
    assert (
        answered("/admin/", HttpResponse("a page", headers={HEADER: "default-src 'self'"}))
        == "default-src 'self'"
    )


def test_what_is_no_page_needs_none():
    assert answered("/admin/autocomplete/", JsonResponse({})) is None
