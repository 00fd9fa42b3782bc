"""What OpenAI's REST API tells of a model: whether the key opens it, and until when there is one."""

from typing import Any
from urllib.parse import quote

import httpx2 as httpx
from django.conf import settings

from tenants.vendor_http import VendorError, VendorHttp


def read_model(api_key: str, model: str) -> dict[str, Any]:
    """Raises VendorError: 401 for the key, 404 for the model."""
    headers = {"Authorization": f"Bearer {api_key}"}
    api = VendorHttp("OpenAI", settings.OPENAI_BASE_URL, _explain, headers=headers, read_only=True)
    try:
        told = api.send("GET", f"/models/{quote(model, safe='')}")
    finally:
        api.close()
    return told if isinstance(told, dict) else {}


def _explain(response: httpx.Response) -> VendorError:
    status = response.status_code
    if status in {401, 403}:
        return VendorError(
            "OpenAI refuses the key.",
            status=status,
            fix="Make a new one at platform.openai.com and set it: OPENAI_API_KEY, or manage.py set_secret.",
        )
    if status == 404:
        return VendorError("OpenAI has no such model for this key.", status=status)
    return VendorError(f"OpenAI answered {status}.", status=status, fix="Try again in a minute.")
