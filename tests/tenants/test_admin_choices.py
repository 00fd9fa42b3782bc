"""Forms that are sent with what is no id at all are answered with what is wrong, not with a breakdown."""

import pytest

from tenants.admin_sites import staff
from tests.tenants.test_admin import OF_TENANTS, cheaper_settings, member, operator, ours, theirs, url

__all__ = ["cheaper_settings", "member", "operator", "ours", "theirs"]
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("forged", ["x", "00000000", "1 OR 1=1", "\x00"])
def test_a_choice_that_is_no_id_is_refused_in_words(forged, operator, ours):
    tried = 0
    for model in OF_TENANTS:
        pages = staff.get_model_admin(model)
        if pages.autocomplete_fields and not pages.read_only:
            sent = dict.fromkeys(pages.autocomplete_fields, forged)
            for inline in pages.inlines:
                prefix = f"{inline.model._meta.model_name}_set"
                sent |= {f"{prefix}-TOTAL_FORMS": "1", f"{prefix}-INITIAL_FORMS": "0"}
                sent |= {f"{prefix}-0-{name}": forged for name in inline.autocomplete_fields}
            for site in ("ops", "admin"):
                answer = operator.post(url(site, model, "add"), {**sent, "tenant": forged})
                assert answer.status_code in {200, 302, 403}, model
            tried += 1
    assert tried > 4
