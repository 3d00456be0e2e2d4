"""The pages: each translates a request into one call of a selector or service, and its answer into a page."""

from typing import Any

from django.contrib import messages
from django.contrib.admin.options import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.widgets import INPUT_CLASSES

from configuration.admin.forms import CategoryForm
from configuration.admin.sealing import Proposal, StalePreview, seal, unseal
from configuration.admin.showing import shown_change
from configuration.categories import Category
from configuration.changes import InvalidConfiguration
from configuration.models import ConfigurationVersion
from configuration.registry import UnknownCategory, all_categories, category_by_slug
from configuration.selectors import (
    Stored,
    UnknownVersion,
    category_history,
    newest_versions,
    stored_category,
)
from configuration.services import (
    ConfigurationConflict,
    NothingChanged,
    Preview,
    change_category,
    preview_change,
    preview_roll_back,
    roll_back_category,
)

HISTORY_PAGE = 20


class CategoryPages:
    """The pages of all categories, within one admin site."""

    def __init__(self, model_admin: "ModelAdmin[ConfigurationVersion]") -> None:
        self.model_admin = model_admin

    def index(self, request: HttpRequest) -> HttpResponse:
        """Every category, with who changed it last."""
        self._require_view(request)
        newest = newest_versions()
        categories = [{"category": category, "row": newest.get(category.slug)} for category in all_categories()]
        return self._page(request, "index", title="Settings", categories=categories)

    def show(self, request: HttpRequest, slug: str) -> HttpResponse:
        """The form with the values in force."""
        self._require_view(request)
        category = self._category(slug)
        stored = stored_category(category)
        return self._form_page(request, category, stored, CategoryForm(stored.values))

    def preview(self, request: HttpRequest, slug: str) -> HttpResponse:
        """POST: what the typed change would do, with the button that saves it."""
        self._require_change(request)
        category = self._category(slug)
        if request.method != "POST":
            return redirect("admin:configuration_category", slug=slug)
        stored = stored_category(category)
        form = CategoryForm(stored.values, request.POST)
        if request.POST.get("version") != str(stored.version):
            conflict = "These settings were changed meanwhile: what you see now are the new values. Change them again."
            messages.error(request, conflict)
            return redirect("admin:configuration_category", slug=slug)
        complete = form.is_valid()
        # What can be read is checked all the same, so that every mistake is shown at once.
        changes = form.changes()
        try:
            preview = preview_change(category, changes=changes)
        except InvalidConfiguration as refusal:
            form.show_refusal(refusal)
            return self._form_page(request, category, stored, form)
        except NothingChanged as refusal:
            if complete:
                messages.info(request, str(refusal))
            return self._form_page(request, category, stored, form)
        if not complete:
            return self._form_page(request, category, stored, form)
        changed = {change.field: changes[change.field] for change in preview.changes}
        return self._preview_page(request, category, preview, Proposal(preview.version, changes=changed))

    def roll_back(self, request: HttpRequest, slug: str, version: int) -> HttpResponse:
        """What going back to an earlier version would do, with the button that does it."""
        self._require_change(request)
        category = self._category(slug)
        try:
            preview = preview_roll_back(category, version=version)
        except (InvalidConfiguration, NothingChanged, UnknownVersion) as refusal:
            messages.error(request, str(refusal))
            return redirect("admin:configuration_history", slug=slug)
        return self._preview_page(request, category, preview, Proposal(preview.version, roll_back_to=version))

    def save(self, request: HttpRequest, slug: str) -> HttpResponse:
        """POST: save what was previewed, with the reason."""
        self._require_change(request)
        category = self._category(slug)
        try:
            proposal = unseal(request.POST.get("sealed", ""), category=slug, user_id=request.user.pk, at=timezone.now())
            row = self._carry_out(request, category, proposal)
        except InvalidConfiguration as refusal:
            if refusal.errors.keys() == {"reason"}:
                return self._ask_reason_again(request, category, proposal, refusal.errors["reason"])
            messages.error(request, str(refusal))
        except (StalePreview, ConfigurationConflict, NothingChanged, UnknownVersion) as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(
                request, f"{category.title}: version {row.version} is in force. Every process obeys within 5 seconds."
            )
        return redirect("admin:configuration_category", slug=slug)

    def history(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Versions, newest first: who, why, what."""
        self._require_view(request)
        category = self._category(slug)
        before = request.GET.get("before", "")
        entries = category_history(
            category, limit=HISTORY_PAGE, before=int(before) if before.isdecimal() and len(before) < 10 else None
        )
        return self._page(
            request,
            "history",
            title=f"{category.title}: history",
            category=category,
            entries=[
                {"entry": entry, "changes": [shown_change(category, change) for change in entry.changes]}
                for entry in entries
            ],
            newest=stored_category(category).version,
            older_than=str(entries[-1].version) if entries and entries[-1].version > 1 else "",
            may_change=self.model_admin.has_change_permission(request),
        )

    def _carry_out(self, request: HttpRequest, category: type[Category], proposal: Proposal) -> ConfigurationVersion:
        common: dict[str, Any] = {
            "changed_by": request.user,
            "reason": request.POST.get("reason", ""),
            "at": timezone.now(),
            "expected_version": proposal.version,
        }
        if proposal.roll_back_to is not None:
            return roll_back_category(category, version=proposal.roll_back_to, **common)
        return change_category(category, changes=proposal.changes or {}, **common)

    def _ask_reason_again(
        self, request: HttpRequest, category: type[Category], proposal: Proposal, errors: list[str]
    ) -> HttpResponse:
        if proposal.roll_back_to is not None:
            preview = preview_roll_back(category, version=proposal.roll_back_to)
        else:
            preview = preview_change(category, changes=proposal.changes or {})
        return self._preview_page(request, category, preview, proposal, reason_errors=errors)

    def _form_page(
        self, request: HttpRequest, category: type[Category], stored: Stored, form: CategoryForm
    ) -> HttpResponse:
        return self._page(
            request,
            "category",
            title=category.title,
            category=category,
            version=stored.version,
            form=form,
            may_change=self.model_admin.has_change_permission(request),
        )

    def _preview_page(
        self,
        request: HttpRequest,
        category: type[Category],
        preview: Preview,
        proposal: Proposal,
        reason_errors: list[str] | None = None,
    ) -> HttpResponse:
        return self._page(
            request,
            "preview",
            title=f"{category.title}: preview",
            category=category,
            changes=[shown_change(category, change) for change in preview.changes],
            roll_back_to=proposal.roll_back_to,
            reason=request.POST.get("reason", ""),
            reason_errors=reason_errors,
            input_classes=" ".join(INPUT_CLASSES),
            sealed=seal(proposal, category=category.slug, user_id=request.user.pk, at=timezone.now()),
        )

    def _page(self, request: HttpRequest, template: str, *, title: str, **context: Any) -> TemplateResponse:
        site = self.model_admin.admin_site
        # The admin reads it for its links; unfold's own views set it the same way.
        request.current_app = site.name
        return TemplateResponse(
            request,
            f"configuration/{template}.html",
            {**site.each_context(request), "opts": ConfigurationVersion._meta, "title": title, **context},
        )

    def _category(self, slug: str) -> type[Category]:
        try:
            return category_by_slug(slug)
        except UnknownCategory as error:
            raise Http404(str(error)) from error

    def _require_view(self, request: HttpRequest) -> None:
        if not self.model_admin.has_view_permission(request):
            raise PermissionDenied

    def _require_change(self, request: HttpRequest) -> None:
        if not self.model_admin.has_change_permission(request):
            raise PermissionDenied
