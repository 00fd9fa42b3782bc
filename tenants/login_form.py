"""A name and a password: wherever somebody may try them, guessing is cut short."""

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from tenants import login_throttle


class ThrottledLoginForm(AuthenticationForm):
    def clean(self) -> dict[str, Any]:
        """Whether or not there is such an account, the answer is the same."""
        account = str(self.cleaned_data.get("username") or "")
        address = login_throttle.address_of(self.request) if self.request else "unknown"
        if seconds := login_throttle.seconds_to_wait(account, address):
            minutes = -(-seconds // 60)
            raise ValidationError(f"Too many attempts. Please try again in {minutes} min.", code="throttled")
        try:
            cleaned: dict[str, Any] = super().clean()
        except ValidationError:
            if self.user_cache is None:
                login_throttle.failed(account, address)
            raise
        login_throttle.succeeded(account, address)
        return cleaned
