"""Changes of a score or limit as a table, on the pages of customer and loan."""

from django.db.models import QuerySet
from django.utils.safestring import SafeString

from audit.admin_lists import moment
from loans.admin.showing import lending_money, link_to, paragraphs, table
from loans.explanations import explain_points, explain_versions
from loans.models import ScoreChange

# A customer with more has them in the audit trail too.
MOST_SHOWN = 100


def shown_changes(changes: QuerySet[ScoreChange]) -> SafeString | str:
    """The newest of these changes: what, why, by which settings, by whom."""
    found = changes.select_related("loan", "changed_by").order_by("-id")[:MOST_SHOWN]
    return table(
        ("Change", "Why"),
        [(paragraphs(_what(change)), paragraphs(_why(change))) for change in found],
        empty="No change yet.",
    )


def _what(change: ScoreChange) -> list[SafeString | str]:
    score = _moved(str(change.score_before), str(change.score_after))
    limit = _moved(lending_money(change.limit_before), lending_money(change.limit_after))
    found: list[SafeString | str] = [moment(change.at), f"Score {score}", f"Limit {limit}"]
    return [*found, link_to(change.loan)] if change.loan else found


def _moved(before: str, after: str) -> str:
    return after if before == after else f"{before} → {after}"


def _why(change: ScoreChange) -> list[str]:
    by = f" by {change.changed_by}" if change.changed_by else ""
    note = f": {change.note}" if change.note else ""
    versions = explain_versions({"credit": change.configuration_version})
    return [f"{change.get_reason_display()}{by}{note}.", *explain_points(change.explanation), *versions]
