from django.http import HttpRequest, HttpResponse
from django.urls import path


def rung(request: HttpRequest) -> HttpResponse:
    """Two cans and a string: nobody can sign."""
    return HttpResponse(status=403)


urlpatterns = [path("api/webhooks/tincan/rung", rung, name="tincan-rung")]
