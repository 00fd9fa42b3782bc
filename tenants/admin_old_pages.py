"""Pages that were opened a while ago: who saves one writes what they have changed, and nothing else."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from tenants.scoped_admin import ScopedForm

_CHANGED = "Somebody else has changed {} since you opened the page. Open it again to see how it stands."


class OldPageForm(ScopedForm):
    """The page remembers what it showed; the rest is as it stands in the row now, which is locked until it is saved."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.show_hidden_initial = not self.is_bound or self._told(name, field)

    def _told(self, name: str, field: forms.Field) -> bool:
        """Whether what the page showed came along."""
        shown: forms.Widget = field.hidden_widget()
        return not shown.value_omitted_from_data(self.data, self.files, self.add_initial_prefix(name))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.instance._state.adding:
            rows = type(self.instance)._base_manager.select_for_update(of=("self",), no_key=True)
            self._bring_up_to_date(cleaned, rows.get(pk=self.instance.pk))
        return cleaned

    def _bring_up_to_date(self, cleaned: dict[str, Any], row: Any) -> None:
        own = {field.name for field in row._meta.fields}
        for name in own & cleaned.keys():
            now = getattr(row, name)
            try:
                typed = name in self.changed_data
                cleaned[name] = self.typed_over(name, cleaned[name], now) if typed else now
            except ValidationError as error:
                self.add_error(name, error)

    def typed_over(self, name: str, typed: Any, now: Any) -> Any:
        """What becomes of a field that was changed on the page. Raises ValidationError."""
        if now not in (self.shown(name, now), typed):
            told = f"this, to “{now}”," if now not in (None, "") else "this"
            raise ValidationError(_CHANGED.format(told), code="changed_meanwhile")
        return typed

    def shown(self, name: str, otherwise: Any) -> Any:
        """What the page showed; `otherwise` where it does not say."""
        sent = self.data.get(self.add_initial_prefix(name))
        try:
            return otherwise if sent is None else self.fields[name].to_python(sent)
        except ValidationError:
            return otherwise


def merged(shown: dict[str, Any], typed: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """What stands now, with what was typed otherwise than shown. Raises ValidationError for what both have changed."""
    missing = object()
    mine = {key for key in {*shown, *typed} if shown.get(key, missing) != typed.get(key, missing)}
    both = {
        key for key in mine if now.get(key, missing) not in (shown.get(key, missing), typed.get(key, missing))
    }
    if both:
        raise ValidationError(_CHANGED.format(", ".join(sorted(both))), code="changed_meanwhile")
    kept = {key: value for key, value in now.items() if key not in mine}
    return kept | {key: typed[key] for key in mine & typed.keys()}
