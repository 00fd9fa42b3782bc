"""Every HTTP path. WebSocket paths are in `telephony.routing`."""

from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView

from tenants.admin_sites import operators, staff
from tonris.negotiation import YamlOrJson

_document = SpectacularAPIView.as_view(content_negotiation_class=YamlOrJson)

urlpatterns = [
    path("", include("telephony.urls")),
    path("", include("agents.urls")),
    path("api/v1/schema", _document, name="schema"),
    path("api/v1/", include("tonris.api.urls")),
    path("", RedirectView.as_view(url="/admin/")),
    path("admin", RedirectView.as_view(url="/admin/", query_string=True)),
    path("ops", RedirectView.as_view(url="/ops/", query_string=True)),
    path("admin/", staff.urls),
    path("ops/", operators.urls),
]

handler400 = "tonris.responses.bad_request"
handler404 = "tonris.responses.not_found"
handler500 = "tonris.responses.broken"
