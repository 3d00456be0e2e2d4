"""Files of repayments: read into lines and shown, then applied line by line in the background.

Each line is booked in a transaction of its own, together with its outcome; so a worker may die anywhere, and another
goes on with the lines that are left.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from audit.services import record
from configuration.selectors import current
from ledger.inserts import insert_once
from loans.configuration import LoanSettings
from loans.locks import lock_file, lock_line
from loans.models import RepaymentFile, RepaymentFileLine
from loans.refusals import LendingRefusal
from loans.repayment_csv import decode, read_rows
from loans.selectors import count_lines, find_repayment, loan_numbered, oldest_owed_loan_of_phone
from loans.services.file_preview import preview_rows
from loans.services.repayments import record_repayment
from loans.statuses import FileStatus, LineStatus, RepaymentChannel
from loans.tasks import apply_repayment_file

# A worker that says nothing for so long is dead.
LEASE = timedelta(seconds=60)
LINES_AT_ONCE = 100
STORED_AT_ONCE = 1000

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class UploadResult:
    """The file as stored; `is_new` is False when the same bytes were uploaded before."""

    file: RepaymentFile
    is_new: bool


def upload_file(*, name: str, content: bytes, uploaded_by: User, at: datetime) -> UploadResult:
    """Read a file and keep its lines, each with what it would do or why it is bad. Nothing is booked yet.

    Raises UnreadableFile; nothing was kept then.
    """
    file = RepaymentFile(
        name=name[:200], digest=hashlib.sha256(content).hexdigest(), uploaded_by=uploaded_by, created_at=at
    )
    if first := RepaymentFile.objects.filter(digest=file.digest).first():
        return UploadResult(first, is_new=False)
    rows = list(read_rows(decode(content), zone=current(LoanSettings).zone))
    lines = preview_rows(file, rows, at=at)
    file.total_lines = len(lines)
    with transaction.atomic():
        if not insert_once(file):
            return UploadResult(RepaymentFile.objects.get(digest=file.digest), is_new=False)
        RepaymentFileLine.objects.bulk_create(lines, batch_size=STORED_AT_ONCE)
        record("repayment_file.uploaded", target=file, after={"name": file.name, "lines": file.total_lines}, at=at)
    return UploadResult(file, is_new=True)


def order_application(*, file_id: UUID, applied_by: User, at: datetime) -> bool:
    """Have the good lines of a file booked, in the background. False, and nothing done, when somebody had already.

    Raises RepaymentFile.DoesNotExist.
    """
    with transaction.atomic():
        file = lock_file(file_id)
        if file.status != FileStatus.PREVIEWED:
            return False
        file.status = FileStatus.APPLYING
        file.applied_by = applied_by
        file.ordered_at = at
        file.save(update_fields=["status", "applied_by", "ordered_at"])
        record(
            "repayment_file.applied",
            target=file,
            before={"status": FileStatus.PREVIEWED.value},
            after={"status": file.status, "lines": count_lines(file)},
            at=at,
        )
        _nudge(file)
    return True


def apply_lines(*, file_id: UUID, clock: Callable[[], datetime] = timezone.now) -> int:
    """Book the good lines, in the file's order; how many are left, which is none unless another worker is on them."""
    if not _claim(file_id, at=clock()):
        return _left(file_id)
    file = RepaymentFile.objects.select_related("applied_by").get(pk=file_id)
    while lines := _next_lines(file_id):
        for line_id in lines:
            _apply_line(line_id, file=file, at=clock())
        if not _extend(file_id, at=clock()):
            return _left(file_id)
    with transaction.atomic():
        file = lock_file(file_id)
        if file.status == FileStatus.APPLYING:
            file.status = FileStatus.APPLIED
            file.applied_at = clock()
            file.lease_until = None
            file.save(update_fields=["status", "applied_at", "lease_until"])
    return 0


def resume_files(*, at: datetime) -> int:
    """Nudge files that are being applied and that no worker is on; how many."""
    waiting = RepaymentFile.objects.filter(status=FileStatus.APPLYING).exclude(lease_until__gt=at)
    files = list(waiting.filter(ordered_at__lte=at - timedelta(seconds=5)))
    for file in files:
        _nudge(file)
    return len(files)


def _nudge(file: RepaymentFile) -> None:
    # Robust: the file says that it is to be applied; the sweep finds it.
    transaction.on_commit(lambda: apply_repayment_file.delay(file_id=str(file.pk)), robust=True)


def _claim(file_id: UUID, *, at: datetime) -> bool:
    """One worker at a time: two would only wait for each other at every line."""
    free = RepaymentFile.objects.filter(pk=file_id, status=FileStatus.APPLYING).exclude(lease_until__gt=at)
    return free.update(lease_until=at + LEASE) == 1


def _extend(file_id: UUID, *, at: datetime) -> bool:
    ours = RepaymentFile.objects.filter(pk=file_id, status=FileStatus.APPLYING)
    return ours.update(lease_until=at + LEASE) == 1


def _left(file_id: UUID) -> int:
    return RepaymentFileLine.objects.filter(file_id=file_id, status=LineStatus.GOOD).count()


def _next_lines(file_id: UUID) -> list[int]:
    good = RepaymentFileLine.objects.filter(file_id=file_id, status=LineStatus.GOOD).order_by("number")
    return list(good.values_list("pk", flat=True)[:LINES_AT_ONCE])


def _apply_line(line_id: int, *, file: RepaymentFile, at: datetime) -> None:
    """Book one line, or say why it cannot be booked any more."""
    try:
        with transaction.atomic():
            line = lock_line(line_id)
            if line.status != LineStatus.GOOD:
                return
            _book(line, file=file, at=at)
    except LendingRefusal as refusal:
        changed = RepaymentFileLine.objects.filter(pk=line_id, status=LineStatus.GOOD)
        changed.update(status=LineStatus.BAD, reason=str(refusal)[:300])


def _book(line: RepaymentFileLine, *, file: RepaymentFile, at: datetime) -> None:
    assert line.amount is not None and line.received_at is not None, "a good line has both"
    booked = find_repayment(rail=line.rail, reference=line.reference)
    if line.loan_number:
        loan = loan_numbered(line.loan_number)
    elif booked and booked.loan.phone == line.phone:
        loan = booked.loan
    else:
        loan = oldest_owed_loan_of_phone(line.phone)
    if loan is None:
        raise LendingRefusal("The customer owes nothing any more.")
    result = record_repayment(
        loan_id=loan.pk,
        amount=line.amount,
        currency=loan.currency,
        rail=line.rail,
        reference=line.reference,
        channel=RepaymentChannel.FILE,
        received_at=line.received_at,
        entered_by=file.applied_by,
        note=line.note,
        at=at,
    )
    line.status = LineStatus.BOOKED if result.is_new else LineStatus.REPEATED
    line.repayment = result.repayment
    line.loan = loan
    line.save(update_fields=["status", "repayment", "loan"])
