"""What parts of telephony add to the settings on a business's page: help, and what is wrong with what is written."""

from collections.abc import Callable, Iterable
from typing import Any

from tenants.models import Tenant

Problems = Callable[[Tenant, dict[str, Any]], Iterable[str]]
"""Of the tenant whose page it is, perhaps not saved yet, and what is written there: sentences."""


def explain_settings(pages: Any, words: str, problems: Problems) -> None:
    """`pages` is the admin class of the page. Whoever comes after adds to what is there."""
    form_before = pages.form

    class TenantForm(form_before):  # type: ignore[misc,valid-type]  # the base is known when the app is loaded
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            if "settings" in self.fields:
                self.fields["settings"].help_text = f"{self.fields['settings'].help_text} {words}"

        def clean_settings(self) -> Any:
            settings = super().clean_settings()
            if isinstance(settings, dict):
                for problem in problems(self.instance, settings):
                    self.add_error("settings", problem)
            return settings

    pages.form = TenantForm
