"""Two admins over one set of pages: `/admin/` for a tenant's staff, `/ops/` for the platform's operators.

Every page is one unit of work in one scope: a member's tenant, or for operators the platform. A member's
pages also run in the tenant's time zone.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import LoginView
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model, QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponsePermanentRedirect,
    HttpResponseRedirect,
)
from django.template.response import TemplateResponse
from django.urls import Resolver404, URLPattern, path, resolve, reverse
from django.utils import timezone
from django.views.decorators.common import no_append_slash
from unfold.sites import UnfoldAdminSite
from unfold.widgets import BASE_INPUT_CLASSES

from tenants.acting import CHOSEN, business_of, is_operator, membership, memberships, operates
from tenants.audit.actors import become
from tenants.audit.watching import actor_of
from tenants.joining import JoinPage
from tenants.login_form import ThrottledLoginForm
from tenants.models import Member, Tenant, TenantOwned, User
from tenants.scoping import active_scope, platform_scope, tenant_scope
from tenants.second_factor.pages import SecondFactorPages
from tenants.second_factor.team import decide

APP_ORDER = ["appointments", "telephony", "agents", "tenants"]
"""What staff look at daily comes first."""


def refuse_operators_login(user: User) -> str:
    """Why this person may not use `/ops/`, or ""."""
    return (
        "" if operates(user) else "This is for the platform's operators. Your business's admin is at /admin/."
    )


def refuse_staff_login(user: User) -> str:
    """Why this person may not use `/admin/`, or ""."""
    if operates(user):
        return ""
    with platform_scope():
        tenants = list(Tenant.objects.filter(pk__in=Member.objects.filter(user_id=user.pk).values("tenant")))
    if not tenants:
        return "Your login does not belong to a business yet. Ask an operator to make you a member of one."
    if any(tenant.is_active for tenant in tenants):
        return ""
    names = " and ".join(tenant.name for tenant in tenants)
    return f"The account of {names} is suspended. Please get in touch with the platform's operators."


class LoginForm(ThrottledLoginForm):
    """Says why, but only to those who know the password."""

    required_css_class = "required"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = " ".join(BASE_INPUT_CLASSES)

    def confirm_login_allowed(self, user: User) -> None:
        super().confirm_login_allowed(user)
        refusal = self.refuse(user)
        if refusal:
            raise ValidationError(refusal, code="not_allowed")

    def refuse(self, user: User) -> str:
        """Why this person may not log in here, or "". Abstract: a form's metaclass leaves no room for ABC."""
        raise NotImplementedError


class StaffLoginForm(LoginForm):
    def refuse(self, user: User) -> str:
        return refuse_staff_login(user)


class OperatorLoginForm(LoginForm):
    def refuse(self, user: User) -> str:
        return refuse_operators_login(user)


class ScopedAutocomplete(AutocompleteJsonView):
    """Two tenants may both have an Ana: where rows of all tenants are offered, each says whose it is."""

    def process_request(self, request: HttpRequest) -> Any:
        term, *others = super().process_request(request)
        return term.replace("\0", ""), *others  # PostgreSQL refuses it; lists do so before they ask

    def get_queryset(self) -> QuerySet[Model]:
        rows: QuerySet[Model] = super().get_queryset()
        return rows.select_related("tenant") if self._names_tenants(rows.model) else rows

    def serialize_result(self, obj: Model, to_field_name: str) -> dict[str, str]:
        result: dict[str, str] = super().serialize_result(obj, to_field_name)
        if isinstance(obj, TenantOwned) and self._names_tenants(type(obj)):
            result["text"] = f"{result['text']} ({obj.tenant})"
        return result

    def _names_tenants(self, model: type[Model]) -> bool:
        return issubclass(model, TenantOwned) and active_scope().is_platform


class PasswordPage(LoginView):
    """Logs nobody in who has something to show beside the password."""

    site: Any = None

    def form_valid(self, form: Any) -> HttpResponse:
        factor: HttpResponse | None = self.site.second_factor.ask(
            self.request, form.get_user(), self.get_success_url()
        )
        return super().form_valid(form) if factor is None else factor


class ScopedSite(ABC, UnfoldAdminSite):  # type: ignore[misc]
    index_title = "Today"
    login_template = "admin/log_in.html"
    login_note = ""
    """Whom it is for, and then the address for everybody else."""
    login_elsewhere = ""

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        @wraps(view)
        def scoped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            with self.scope(request):
                return rendered(view(request, *args, **kwargs))

        inside = super().admin_view(scoped, cacheable)

        @wraps(inside)
        def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            become(actor_of(request.user))
            try:
                return inside(request, *args, **kwargs)
            # The project's own answers to what goes wrong are JSON, for programs.
            except Http404:
                return self._told(request, 404, "Page not found", "admin/not_found.html")
            except PermissionDenied:
                return self._told(request, 403, "Not for you to open", "admin/refused.html")

        return page

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._pages: list[tuple[str, Callable[..., HttpResponse], str]] = []
        self._more: list[Callable[[ScopedSite], list[URLPattern]]] = []
        self.second_factor = SecondFactorPages(self)

    def add_page(self, route: str, view: Callable[..., HttpResponse], name: str) -> None:
        """A page of no model, from an app that knows more. Before the site's addresses are read."""
        self._pages.append((route, view, name))

    def add_urls(self, urls_of: Callable[["ScopedSite"], list[URLPattern]]) -> None:
        """As `add_page`, for a page with addresses of its own beside it, which wraps its views itself."""
        self._more.append(urls_of)

    def extra_urls(self) -> list[URLPattern]:
        pages = [path(route, self.admin_view(view), name=name) for route, view, name in self._pages]
        pages += self.second_factor.urls()
        return [*pages, *(one for urls_of in self._more for one in urls_of(self))]

    @abstractmethod
    def scope(self, request: HttpRequest) -> AbstractContextManager[None]:
        """Whose rows the pages show to this person."""

    @abstractmethod
    def refusal(self, user: User) -> str:
        """Why this person may not come in here, or ""."""

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The theme's page; who has a second factor, or needs one, is not in yet."""
        user = request.user
        index = reverse(f"{self.name}:index")
        if request.method == "GET" and self.has_permission(request):
            return HttpResponseRedirect(index)
        if request.method == "GET" and isinstance(user, User):
            if (factor := self.second_factor.missing(request)) is not None:
                return factor
            messages.error(request, self.refusal(user))
        if REDIRECT_FIELD_NAME not in request.GET and REDIRECT_FIELD_NAME not in request.POST:
            # The theme's page sends along what is in its own address, and nothing else.
            onward = request.GET.copy()
            onward[REDIRECT_FIELD_NAME] = index
            request.GET = onward  # type: ignore[assignment]
        context = {
            **self.each_context(request),
            "title": "Log in",
            "subtitle": None,
            "app_path": request.get_full_path(),
            "username": user.get_username(),
            "login_note": self.login_note,
            "login_elsewhere": self.login_elsewhere,
            **(extra_context or {}),
        }
        request.current_app = self.name
        page = PasswordPage.as_view(
            site=self,
            extra_context=context,
            authentication_form=self.login_form,
            template_name=self.login_template,
        )
        answer: HttpResponse = page(request)  # type: ignore[assignment]  # rendered later, and no stream
        return answer

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Not the theme's: it keeps what it found for five minutes under the person alone, whatever their business."""
        raise Http404

    def autocomplete_view(self, request: HttpRequest) -> Any:
        return ScopedAutocomplete.as_view(admin_site=self)(request)

    @no_append_slash
    def catch_all_view(self, request: HttpRequest, url: str) -> HttpResponse:
        """Django appends the slash only with APPEND_SLASH, which webhooks forbid: browsers get it here."""
        if not url.endswith("/"):
            try:
                match = resolve(f"{request.path_info}/", getattr(request, "urlconf", None))
            except Resolver404:
                raise Http404 from None
            if getattr(match.func, "should_append_slash", True):
                return HttpResponsePermanentRedirect(request.get_full_path(force_append_slash=True))
        raise Http404

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        apps = super().get_app_list(request, app_label)
        return sorted(apps, key=lambda app: (*_place(app["app_label"]), app["name"]))

    def _told(self, request: HttpRequest, status: int, title: str, template: str) -> HttpResponse:
        context = {**self.each_context(request), "title": title, "role": membership(request)}
        request.current_app = self.name
        return rendered(TemplateResponse(request, template, context, status=status))


class OperatorSite(ScopedSite):
    settings_name = "UNFOLD_OPS"
    index_title = "Overview"
    index_template = "desk/overview.html"
    login_note = "For the operators of this installation. Businesses log in at"
    login_elsewhere = "/admin/"
    login_form = OperatorLoginForm

    def has_permission(self, request: HttpRequest) -> bool:
        return is_operator(request)

    def refusal(self, user: User) -> str:
        return refuse_operators_login(user)

    def scope(self, request: HttpRequest) -> AbstractContextManager[None]:
        return platform_scope()


class StaffSite(ScopedSite):
    index_template = "desk/today.html"
    login_note = "For the team of a business. Operators of this installation log in at"
    login_elsewhere = "/ops/"
    login_form = StaffLoginForm

    def extra_urls(self) -> list[URLPattern]:
        return [
            *super().extra_urls(),
            path("join/<str:link>/", JoinPage(self), name="join"),
            path("second-factor/team/", self.admin_view(decide), name="second_factor_team"),
            path("businesses/", self.admin_view(self.businesses), name="businesses"),
        ]

    def businesses(self, request: HttpRequest) -> HttpResponse:
        """Where somebody who works for several says whose desk this is."""
        mine = memberships(request)
        if request.method == "POST":
            chosen = request.POST.get("business")
            if chosen not in {str(member.tenant_id) for member in mine}:
                raise PermissionDenied
            request.session[CHOSEN] = chosen
            return HttpResponseRedirect(reverse(f"{self.name}:index"))
        context = {**self.each_context(request), "title": "Your businesses"}
        context |= {"members": mine, "current": membership(request)}
        return TemplateResponse(request, "admin/businesses.html", context)

    def has_permission(self, request: HttpRequest) -> bool:
        if is_operator(request):
            return True
        user = request.user
        return isinstance(user, User) and user.is_active and membership(request) is not None

    def refusal(self, user: User) -> str:
        return refuse_staff_login(user)

    @contextmanager
    def scope(self, request: HttpRequest) -> Iterator[None]:
        tenant = business_of(request)
        if tenant is not None:
            with tenant_scope(tenant), timezone.override(tenant.zone):
                yield
        elif is_operator(request):
            with platform_scope():
                yield
        else:  # admin_view asks has_permission first
            raise PermissionError("not a member of any tenant")

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context: dict[str, Any] = super().each_context(request)
        tenant = business_of(request) if self.has_permission(request) else None
        context["entered"] = tenant if is_operator(request) else None
        if tenant is not None:
            context["site_title"] = context["site_header"] = tenant.name
            context["site_subheader"] = f"{tenant.timezone} time"
        if not is_operator(request) and len(memberships(request)) > 1:
            there = reverse(f"{self.name}:businesses")
            context["site_dropdown"] = [{"title": "Another business…", "icon": "swap_horiz", "link": there}]
        return context


def rendered(response: HttpResponse) -> HttpResponse:
    """Templates run queries and show times: render here, where the scope and the time zone are still set."""
    render = getattr(response, "render", None)
    return render() if callable(render) else response


def _place(app_label: str) -> tuple[int, str]:
    return (APP_ORDER.index(app_label) if app_label in APP_ORDER else len(APP_ORDER), app_label)


staff = StaffSite(name="admin")
operators = OperatorSite(name="ops")
