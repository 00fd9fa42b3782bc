"""Notes of staff on a call: events of the call like any other, so that they are its story's and nobody changes them."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.options import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from telephony import calls, words
from telephony.models import Call
from telephony.watching.door import at_the_desk

LONGEST = 2000
"""Characters."""


class NoteForm(forms.Form):
    text = forms.CharField(
        label="A note for the team",
        max_length=LONGEST,
        widget=forms.Textarea(
            attrs={"rows": 3, "placeholder": "For the team. Callers never see or hear it."}
        ),
    )


def may_write(request: HttpRequest, call: Call) -> bool:
    person = at_the_desk(request)
    return person is not None and person.may_act and person.tenant_id == call.tenant_id


def write(pages: "ModelAdmin[Any]", request: HttpRequest, object_id: str) -> HttpResponse:
    """For `admin_view`: in the scope of the person, who may only find their own business's calls."""
    call: Call | None = pages.get_object(request, object_id)
    if call is None:
        raise Http404
    if not may_write(request, call):
        raise PermissionDenied
    form = NoteForm(request.POST)
    if form.is_valid():
        text, member = form.cleaned_data["text"], request.user.pk
        calls.add_event(call.tenant_id, call.pk, words.NOTE, text=text, member=member)
    else:
        messages.error(request, f"The note was not kept: it may have {LONGEST} characters, and needs one.")
    page = reverse(f"{pages.admin_site.name}:telephony_call_change", args=[call.pk])
    return HttpResponseRedirect(f"{page}#notes")
