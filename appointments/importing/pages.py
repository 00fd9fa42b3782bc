"""Import in the admin: choose a file, look at what it would do row by row, agree or leave it."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.admin.options import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst
from unfold.widgets import UnfoldAdminFileFieldWidget

from appointments.admin.export import XLSX
from appointments.importing import drafts, examples
from appointments.importing.cells import Manner
from appointments.importing.csv_file import read_csv
from appointments.importing.kinds import KINDS, Kind
from appointments.importing.running import Differs, Done, NotNow, carry_out, try_out
from appointments.importing.sheets import Sheet, sheet_of
from appointments.importing.tables import LARGEST_BYTES, Unreadable
from appointments.importing.verdicts import Fate, Verdict, counted
from appointments.importing.xlsx_file import read_xlsx
from appointments.models import ImportDraft
from tenants.acting import business_of
from tenants.models import Tenant
from tenants.scoped_admin import tenant_time

UPLOAD, PREVIEW = "admin/appointments/import.html", "admin/appointments/import_preview.html"
SHOWN_AT_ONCE = 100
TABS = {
    "": "All",
    Fate.REFUSE: "Refused",
    Fate.CREATE: "New",
    Fate.CHANGE: "Changed",
    Fate.SAME: "As they are",
}
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


class Importable:
    """An admin page of `/admin/` whose list can be filled from a file, by those whose role may."""

    model: Any
    admin_site: Any

    def get_urls(self) -> list[Any]:
        urls: list[Any] = super().get_urls()  # type: ignore[misc]
        return [*(urls_of(self) if self.admin_site.name == "admin" else []), *urls]

    def has_import_permission(self, request: HttpRequest) -> bool:
        allowed: bool = self.allows(request, "i")  # type: ignore[attr-defined]
        return allowed and self.admin_site.name == "admin" and business_of(request) is not None

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        told = {"may_import": self.has_import_permission(request), **(extra_context or {})}
        answer: HttpResponse = super().changelist_view(request, told)  # type: ignore[misc]
        return answer


class FileForm(forms.Form):
    file = forms.FileField(
        label="File",
        help_text="CSV or Excel (.xlsx), 5 MB at most.",
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.txt,.tsv,.xlsx"}),
        error_messages={"required": "Choose a file.", "empty": "The file is empty."},
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > LARGEST_BYTES:
            size = file.size / 1024 / 1024
            raise forms.ValidationError(
                f"The file has {size:.1f} MB, and 5 MB are the most. Cut it into parts and import one after another."
            )
        return file


def urls_of(pages: Any) -> list[URLPattern]:
    kind = KINDS[pages.model._meta.model_name]
    name = f"appointments_{kind.name}"
    upload = pages.admin_site.admin_view(partial(show_upload, pages, kind))
    preview = pages.admin_site.admin_view(partial(show_preview, pages, kind))
    example = pages.admin_site.admin_view(partial(example_of, pages, kind))
    return [
        path("import/", upload, name=f"{name}_import"),
        path("import/example.<str:form>", example, name=f"{name}_import_example"),
        path("import/<uuid:draft_id>/", preview, name=f"{name}_import_preview"),
    ]


def read_file(content: bytes, kind: Kind) -> Sheet:
    """What the file says, whatever it is called. Raises Unreadable."""
    if content.startswith(_OLE):
        raise Unreadable(
            "This is an Excel file of the old kind, or one with a password. Save it as .xlsx, without a password."
        )
    read = read_xlsx if content.startswith(_ZIP) else read_csv
    return sheet_of(read(content, kind.most_lines), kind.importer.headings)


# --- The pages -----------------------------------------------------------------------------------


def show_upload(pages: Any, kind: Kind, request: HttpRequest) -> HttpResponse:
    tenant = _tenant(pages, request)
    form = FileForm(request.POST, request.FILES) if request.method == "POST" else FileForm()
    if form.is_valid():
        try:
            sheet = read_file(form.cleaned_data["file"].read(), kind)
        except Unreadable as error:
            form.add_error("file", str(error))
        else:
            draft = drafts.keep(tenant, request.user, kind, sheet, try_out(tenant, kind, sheet.rows))  # type: ignore[arg-type]
            return HttpResponseRedirect(_address(kind, draft))
    manner = Manner.of(tenant)
    context = _context(pages, kind, request, f"Import {kind.plural}") | {
        "form": form,
        "headings": kind.importer.headings,
        "order": manner.date_order,
        "tenant": tenant,
    }
    return TemplateResponse(request, UPLOAD, context)


def show_preview(pages: Any, kind: Kind, request: HttpRequest, draft_id: UUID) -> HttpResponse:
    tenant = _tenant(pages, request)
    draft = drafts.find(request.user, kind, draft_id, lock=request.method == "POST")  # type: ignore[arg-type]
    if draft is None:
        if request.method == "POST":  # a second click, or a page that was left open
            messages.warning(request, "This file is not kept any more: it was imported, or left for an hour.")
            return HttpResponseRedirect(reverse(f"admin:appointments_{kind.name}_import"))
        raise Http404
    if request.method == "POST":
        return _decided(pages, kind, request, tenant, draft)
    return TemplateResponse(request, PREVIEW, _preview(pages, kind, request, tenant, draft))


def example_of(pages: Any, kind: Kind, request: HttpRequest, form: str) -> HttpResponse:
    tenant = _tenant(pages, request)
    titles = {one.key: one.title for one in kind.importer.headings if one.key not in {"id", "starts_utc"}}
    if form not in {"csv", "xlsx"}:
        raise Http404
    write, mime = (examples.as_csv, "text/csv; charset=utf-8") if form == "csv" else (examples.as_xlsx, XLSX)
    answer = HttpResponse(write(titles, kind.example(tenant)), content_type=mime)
    answer["Content-Disposition"] = f'attachment; filename="{kind.plural}-example.{form}"'
    return answer


def _tenant(pages: Any, request: HttpRequest) -> Tenant:
    tenant = business_of(request)
    if tenant is None or not pages.has_import_permission(request):
        raise PermissionDenied
    return tenant


def _context(pages: "ModelAdmin[Any]", kind: Kind, request: HttpRequest, title: str) -> dict[str, Any]:
    request.current_app = pages.admin_site.name
    return {
        **pages.admin_site.each_context(request),
        "title": title,
        "kind": kind,
        "list_url": reverse(f"admin:appointments_{kind.name}_changelist"),
        "import_url": reverse(f"admin:appointments_{kind.name}_import"),
    }


def _address(kind: Kind, draft: ImportDraft) -> str:
    return reverse(f"admin:appointments_{kind.name}_import_preview", args=[draft.pk])


# --- The preview ---------------------------------------------------------------------------------


def _preview(
    pages: Any, kind: Kind, request: HttpRequest, tenant: Tenant, draft: ImportDraft
) -> dict[str, Any]:
    verdicts = drafts.verdicts_of(draft)
    counts, only = counted(verdicts), request.GET.get("only", "")
    chosen = [one for one in verdicts if one.fate == only] if only in TABS and only else verdicts
    page = Paginator(chosen, SHOWN_AT_ONCE).get_page(request.GET.get("p"))
    writes = counts[Fate.CREATE] + counts[Fate.CHANGE]
    return _context(pages, kind, request, f"Import {kind.plural}: preview") | {
        "draft": draft,
        "page": page,
        "only": only,
        "tabs": [
            {"key": str(key), "title": title, "count": counts[key] if key else len(verdicts)}
            for key, title in TABS.items()
            if not key or counts[key]
        ],
        "writes": writes,
        "refused": counts[Fate.REFUSE],
        "told": _counted_words(counts),
        "until": tenant_time(draft.created_at + drafts.KEPT, tenant, "H:i T"),
    }


def _counted_words(counts: dict[str, int]) -> str:
    words = {
        Fate.CREATE: "new",
        Fate.CHANGE: "changed",
        Fate.SAME: "as they are already",
        Fate.REFUSE: "refused",
    }
    return ", ".join(f"{counts[fate]} {word}" for fate, word in words.items() if counts[fate])


# --- The decision --------------------------------------------------------------------------------


def _decided(
    pages: Any, kind: Kind, request: HttpRequest, tenant: Tenant, draft: ImportDraft
) -> HttpResponse:
    if "leave" in request.POST:
        draft.delete()
        messages.info(request, "Nothing was imported, and the file is forgotten.")
        return HttpResponseRedirect(reverse(f"admin:appointments_{kind.name}_changelist"))
    shown = drafts.verdicts_of(draft)
    if "confirm" not in request.POST or (_refused(shown) and "without_refused" not in request.POST):
        messages.warning(
            request, "Some rows are refused: say that they are to be left out, or correct the file."
        )
        return HttpResponseRedirect(_address(kind, draft))
    try:
        done = carry_out(tenant, kind, drafts.rows_of(draft), shown, actor=str(request.user))
    except Differs as differs:
        drafts.show_again(draft, differs.verdicts)
        messages.warning(request, _what_differs(shown, differs.verdicts))
        return HttpResponseRedirect(_address(kind, draft))
    except NotNow as error:
        drafts.show_again(draft, try_out(tenant, kind, drafts.rows_of(draft)))
        messages.warning(request, str(error))
        return HttpResponseRedirect(_address(kind, draft))
    with transaction.atomic():
        _log(request, kind, done)
        draft.delete()
    messages.success(request, _what_was_done(kind, done))
    return HttpResponseRedirect(reverse(f"admin:appointments_{kind.name}_changelist"))


def _refused(verdicts: Sequence[Verdict]) -> bool:
    return any(one.fate is Fate.REFUSE for one in verdicts)


def _what_differs(shown: Sequence[Verdict], now: Sequence[Verdict]) -> str:
    lines = [str(new.line) for old, new in zip(shown, now, strict=True) if old.essence != new.essence]
    which = (
        f"line {lines[0]}"
        if len(lines) == 1
        else f"lines {', '.join(lines[:10])}{'…' if len(lines) > 10 else ''}"
    )
    return f"Meanwhile {which} came to stand otherwise than you were shown. Nothing was imported: look again."


def _what_was_done(kind: Kind, done: Done) -> str:
    told = [
        f"{len(rows)} {word}" for rows, word in ((done.created, "added"), (done.changed, "changed")) if rows
    ]
    return f"{capfirst(kind.plural)}: {' and '.join(told) or 'nothing to do'}. The file is forgotten."


def _log(request: HttpRequest, kind: Kind, done: Done) -> None:
    """Where the history of each row finds it."""
    who: Any = request.user.pk
    for rows, flag, word in ((done.created, ADDITION, "added"), (done.changed, CHANGE, "changed")):
        if rows:
            told = [{word: {"name": "import", "object": "a file"}}]
            LogEntry.objects.log_actions(who, rows, flag, told)
