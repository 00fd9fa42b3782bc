"""Pages that were opened a while ago: who saves one writes what they have changed, and nothing else."""

from typing import Any

from django.core.exceptions import ValidationError

from tenants.scoped_admin import ScopedForm

IN_BOTH = (
    "In the meantime somebody else has changed {}, too. "
    "Open the page again to see how it stands now. Nothing of yours is saved yet."
)


class OldPageForm(ScopedForm):
    """The page remembers what it showed; the rest is as it stands in the row now, which is locked until it is saved."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.show_hidden_initial = not self.is_bound or self.add_initial_prefix(name) in self.data

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.instance._state.adding:
            rows = type(self.instance)._base_manager.select_for_update(of=("self",), no_key=True)
            self.as_it_stands(rows.get(pk=self.instance.pk), cleaned)
        return cleaned

    def as_it_stands(self, row: Any, cleaned: dict[str, Any]) -> None:
        """Put into `cleaned` what nobody has touched on the page."""
        own = {field.name for field in row._meta.fields}
        for name in own & cleaned.keys() - set(self.changed_data):
            cleaned[name] = getattr(row, name)

    def shown(self, name: str, otherwise: Any) -> Any:
        """What the page showed; `otherwise` where it does not say."""
        sent = self.data.get(self.add_initial_prefix(name))
        try:
            return otherwise if sent is None else self.fields[name].to_python(sent)
        except ValidationError:
            return otherwise


def merged(shown: dict[str, Any], wanted: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """What stands now, with what is wanted otherwise than shown. Raises ValidationError for what both have changed."""
    missing = object()
    mine = {key for key in {*shown, *wanted} if shown.get(key, missing) != wanted.get(key, missing)}
    both = {
        key
        for key in mine
        if now.get(key, missing) not in (shown.get(key, missing), wanted.get(key, missing))
    }
    if both:
        raise ValidationError(IN_BOTH.format(", ".join(sorted(both))))
    kept = {key: value for key, value in now.items() if key not in mine}
    return kept | {key: wanted[key] for key in mine & wanted.keys()}
