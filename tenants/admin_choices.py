"""Choices that are looked up while somebody types, and what happens where a form names no row at all."""

from functools import cache
from typing import Any

from django.contrib.admin.widgets import AutocompleteMixin, RelatedFieldWidgetWrapper
from django.core.exceptions import ValidationError
from django.forms import Widget


def careful(widget: Widget) -> None:
    """Forms show again what was chosen: Django looks it up, and breaks on what is no id, such as a forged one."""
    inner = widget.widget if isinstance(widget, RelatedFieldWidgetWrapper) else widget
    if isinstance(inner, AutocompleteMixin):
        inner.__class__ = _careful(type(inner))


@cache
def _careful(widget_class: type[Any]) -> type[Any]:
    class Careful(widget_class):  # type: ignore[misc]
        def optgroups(self, name: str, value: list[Any], attr: Any = None) -> Any:
            return super().optgroups(name, [one for one in value if self._may_be(one)], attr)

        def _may_be(self, value: Any) -> bool:
            try:
                self.field.target_field.to_python(value or None)
            except ValidationError:
                return False
            return True

    return Careful
