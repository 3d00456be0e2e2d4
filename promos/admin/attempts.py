"""Wrong codes: who tried what, for those who look for fraud."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from accounts.phone_numbers import InvalidPhoneNumber, parse_phone
from audit.admin_lists import ReadOnlyAdmin, moment
from promos.models import CodeAttempt


@admin.register(CodeAttempt)
class CodeAttemptAdmin(ReadOnlyAdmin):
    """Newest first. The search takes a whole phone number."""

    list_display = ("tried", "phone", "outcome", "code_hint")
    search_fields = ("phone",)
    search_help_text = "A whole phone number"
    fields = ("tried", "phone", "outcome", "code_hint")
    readonly_fields = ("tried",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[CodeAttempt], search_term: str
    ) -> tuple[QuerySet[CodeAttempt], bool]:
        """Whole numbers only: they have an index."""
        if not search_term.strip():
            return queryset, False
        try:
            phone = parse_phone(search_term, any_country=True)
        except InvalidPhoneNumber:
            return queryset.none(), False
        return queryset.filter(phone=phone), False

    @display(description="Tried (UTC)")
    def tried(self, attempt: CodeAttempt) -> SafeString:
        return moment(attempt.at)
