"""In which form an answer goes out. A caller may be waiting: nobody is refused for what a request accepts."""

from collections.abc import Iterable

from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class OurOwnForm(DefaultContentNegotiation):
    """Whatever `Accept` says, as RFC 9110 (12.4.1) allows: each address answers in one form only."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        first, *_ = renderers
        return first, first.media_type


class YamlOrJson(DefaultContentNegotiation):
    """For the OpenAPI document: by `?format=` and `Accept`, and YAML for browsers and whoever accepts neither."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        wanted = request.query_params.get("format")
        offered = list(self.filter_renderers(renderers, wanted) if wanted else renderers)
        try:
            return super().select_renderer(request, offered)
        except NotAcceptable:
            return offered[0], offered[0].media_type
