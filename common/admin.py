"""Admin pages that write through the services alone, and say a service's refusal on the form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext as django_words
from django.views.decorators.http import require_POST
from django_q.models import Failure, OrmQ, Schedule, Success
from unfold.admin import ModelAdmin

from common.admin_forms import dress
from common.errors import DomainError, VersionConflict


@dataclass(frozen=True, slots=True)
class Step:
    """A button of a page that does one thing. With a `question`, it is asked first."""

    name: str
    label: str
    question: str = ""
    tone: str = ""  # "good", "danger" or neither


@dataclass(frozen=True, slots=True)
class Table:
    """What belongs to an object, shown under its form. Cells are text or safe HTML."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Any]]
    empty: str = ""

    @property
    def named_rows(self) -> list[list[tuple[str, Any]]]:
        """Each cell with its heading: on a phone a row of many is a card."""
        return [list(zip(self.headings, row, strict=True)) for row in self.rows]


class ListedByName(ModelAdmin):
    """In the admin's theme; its list is titled with what it lists, and counts no more than it shows."""

    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        title = {"title": capfirst(self.opts.verbose_name_plural)}
        return super().changelist_view(request, title | (extra_context or {}))


class ServiceAdmin(ListedByName):
    """Subclasses say which service saves; nothing is written around it.

    A DomainError rolls everything back and comes back as the same form with its message. What can be
    changed carries its `version`, so that nobody overwrites what they have not seen.
    """

    change_form_template: Any = "admin/service_change_form.html"
    view_on_site: Any = False
    save_as = False
    # The services' names of fields, where the form has others.
    form_field_of: ClassVar[Mapping[str, str]] = {}
    # Where a refusal goes that belongs to no field; None is the top of the form.
    field_at_fault: ClassVar[str | None] = None

    def save_by_service(self, request: HttpRequest, obj: Any, form: Any) -> Model:
        """Makes the one call of the domain and gives what it saved. `obj` is new if it is not stored yet."""
        raise NotImplementedError

    def steps(self, request: HttpRequest, obj: Any) -> list[Step]:
        """The buttons that this person has for this object, as it is now."""
        return []

    def take_step(self, request: HttpRequest, obj: Any, name: str) -> str:
        """Does what one of the `steps` says, and tells what was done."""
        raise NotImplementedError

    def after_step(self, request: HttpRequest, obj: Any) -> str:
        key = quote(str(obj.pk))
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[key])

    def tables(self, request: HttpRequest, obj: Any) -> list[Table]:
        return []

    def label_for(self, request: HttpRequest, obj: Any) -> str:
        """How an object reads in a list of choices."""
        return str(obj)

    def title_of(self, obj: Any) -> str:
        """The heading of an object's page."""
        return str(obj)

    def asked_about(self, request: HttpRequest, obj: Any) -> str:
        """Whom or what a step's question is about."""
        return capfirst(self.title_of(obj))

    def seen_version(self, request: HttpRequest) -> int:
        """The version on the page that was filled in."""
        given = request.POST.get("version", "")
        if not (given.isascii() and given.isdigit()):
            raise VersionConflict(_("This page is incomplete. Open it again."))
        return int(given)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        found = super().get_object(request, object_id, from_field)
        if found is None:
            raise Http404
        return found

    def get_urls(self) -> list[URLPattern]:
        step = path(
            "<path:object_id>/step/",
            self.admin_site.admin_view(require_POST(self.step_view)),
            name=f"{self.opts.app_label}_{self.opts.model_name}_step",
        )
        return [step, *super().get_urls()]

    def step_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        obj = self.get_object(request, unquote(object_id))
        name = request.POST.get("step", "")
        step = next((step for step in self.steps(request, obj) if step.name == name), None)
        if step is None:
            messages.warning(request, _("This can't be done any more. Here is how it stands now."))
        elif step.question and "sure" not in request.POST:
            return self._ask(request, obj, step)
        else:
            try:
                # Each service is whole by itself; a long import even commits on its way.
                messages.success(request, self.take_step(request, obj, name))
            except DomainError as refusal:
                messages.error(request, refusal.message)
        return HttpResponseRedirect(self.after_step(request, obj))

    def _ask(self, request: HttpRequest, obj: Any, step: Step) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": step.label,
            "subtitle": self.asked_about(request, obj),
            "opts": self.opts,
            "original": obj,
            "step": step,
            "version": request.POST.get("version", ""),
            "back": self.after_step(request, obj),
        }
        return TemplateResponse(request, "admin/step_question.html", context)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except DomainError as refusal:
            # All is rolled back. The same once more, with a form that has the refusal for an error.
            request.refusal = refusal  # type: ignore[attr-defined]
            return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        dress(form.base_fields)
        refusal = getattr(request, "refusal", None)
        return form if refusal is None else self._refused(form, refusal)

    def _refused(self, form: Any, refusal: DomainError) -> Any:
        names, fallback = self.form_field_of, self.field_at_fault

        class RefusedForm(form):
            def full_clean(self) -> None:
                super().full_clean()
                if not any(refusal.message in said for said in refusal.details.values()):
                    self.add_error(fallback, refusal.message)
                for field, said in refusal.details.items():
                    field = names.get(field, field)
                    self.add_error(field if field in self.fields else fallback, said)

        return RefusedForm

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        saved = self.save_by_service(request, obj, form)
        # Django goes on with its own object, which the form made.
        obj.__dict__.update(saved.__dict__)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The service has written all of it."""

    # Django's own log would keep patients' names a second time; the audit log is the services'.
    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj = context.get("original")
        if obj is not None:
            context |= self._named(obj, context)
            context["steps"] = self.steps(request, obj)
            context["tables"] = self.tables(request, obj)
            context["version"] = request.POST.get("version") or getattr(obj, "version", "")
        return super().render_change_form(request, context, *args, **kwargs)

    def _named(self, obj: Any, context: Mapping[str, Any]) -> dict[str, Any]:
        """The page is titled with what it shows, unless it was given another title."""
        name = self.opts.verbose_name
        usual = {django_words(words) % name for words in ("Change %s", "View %s")}
        if context["title"] not in usual:
            return {}
        more = context.get("subtitle")
        return {
            "title": capfirst(self.title_of(obj)),
            "subtitle": None if more == str(obj) else more,
        }


class ReadOnlyAdmin(ListedByName):
    """To be looked at."""

    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _dress_theirs(models: Sequence[type[Model]], base: type[ModelAdmin]) -> None:
    """What other packages registered, in the theme."""
    for model in models:
        theirs = type(admin.site.get_model_admin(model))
        admin.site.unregister(model)
        admin.site.register(model, type(f"Dressed{theirs.__name__}", (base, theirs), {}))


# Background work is declared in code: one schedule with bad arguments would stop them all.
_dress_theirs([Schedule, OrmQ, Success, Failure], ReadOnlyAdmin)
_dress_theirs([AccessAttempt, AccessLog, AccessFailureLog], ListedByName)
