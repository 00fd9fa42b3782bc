"""Every HTTP path. WebSocket paths are in `telephony.routing`."""

from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from tenants.admin_sites import operators, staff
from tonris import health

urlpatterns = [
    path("", include("telephony.urls")),
    path("", include("agents.urls")),
    path("api/v1/schema", SpectacularAPIView.as_view(), name="schema"),
    path("admin/", staff.urls),
    path("ops/", operators.urls),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
]


def not_found(request: HttpRequest, exception: Exception) -> JsonResponse:
    return JsonResponse({"success": False, "error": "Not found", "code": "NOT_FOUND"}, status=404)


def broken(request: HttpRequest) -> JsonResponse:
    return JsonResponse(
        {"success": False, "error": "Something went wrong", "code": "INTERNAL_ERROR"}, status=500
    )


handler404 = not_found
handler500 = broken
