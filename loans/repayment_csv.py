"""Reading a CSV file of repayments: bytes in, rows and bad lines out. Knows no loans and writes nothing.

A file has a heading and one repayment a line. It may come from Excel: with a byte order mark, with semicolons or tabs
between the columns, as UTF-8 or UTF-16.
"""

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, tzinfo
from decimal import Decimal, InvalidOperation

MAX_LINES = 100_000
MAX_BYTES = 20 * 1024 * 1024
LARGEST = Decimal("999999999999.99")
# Beyond them a time may be one that PostgreSQL keeps and Python cannot read back.
FIRST_YEAR, LAST_YEAR = 2000, 9998
REQUIRED = ("amount", "rail", "reference", "received_at")
COLUMNS = {
    "loan": "Loan number, such as USS-2026-001. Either this or phone",
    "phone": "Customer's phone number. The repayment goes to the loan that is due first",
    "amount": "What came in: 5000, 5,000 or 1250.50",
    "rail": "mtn_momo, bank or cash",
    "reference": "The rail's own number of the transaction. The same one is booked once",
    "received_at": "Day, or day and time, of the payment: 2025-11-20, 20/11/2025, 2025-11-20 14:30",
    "note": "Anything worth keeping. May be left out",
}
SAMPLE = (
    "loan,phone,amount,rail,reference,received_at,note\r\n"
    "USS-2026-001,,5000,bank,TRF-100200300,2025-11-20 14:30,\r\n"
    ",0803 123 4567,2500,cash,RECEIPT-0042,20/11/2025,Paid at the counter\r\n"
)
_DELIMITERS = ",;\t"
# What a spreadsheet would run as a formula when the file is opened there again.
_FORMULA = ("=", "@", "+", "-")
_LONGEST = {"loan": 20, "phone": 40, "rail": 12, "reference": 100, "note": 300}
_DAYS = ("%Y-%m-%d", "%d/%m/%Y")
_TIMES = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S")


class UnreadableFile(ValueError):
    """The file as a whole cannot be read as repayments; the message says what to change."""

    code = "UNREADABLE_FILE"


@dataclass(frozen=True)
class Row:
    """One line as typed, read; `line` is its number in the file, the heading being 1."""

    line: int
    loan: str
    phone: str
    amount: Decimal
    rail: str
    reference: str
    received_at: datetime
    note: str


@dataclass(frozen=True)
class BadRow:
    """A line that is no repayment, and why."""

    line: int
    reason: str
    text: str


def decode(content: bytes) -> str:
    """The file's text, without a byte order mark. Raises UnreadableFile."""
    if len(content) > MAX_BYTES:
        raise UnreadableFile(f"The file is larger than {MAX_BYTES // 1024 // 1024} MB.")
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UnreadableFile(
            f"Line {line} is not UTF-8 text. In Excel, save the file as 'CSV UTF-8 (Comma delimited)'."
        ) from error
    if "\x00" in text:
        raise UnreadableFile("This is not a text file. Save the sheet as CSV.")
    return text


def read_rows(text: str, *, zone: tzinfo) -> Iterator[Row | BadRow]:
    """Each line that is not empty, in the file's order; days and times are in `zone`.

    A reference used twice in the file is bad the second time. Raises UnreadableFile, before or in the middle.
    """
    lines = _lines(text)
    try:
        _number, heading = next(lines)
    except StopIteration:
        raise UnreadableFile("The file is empty.") from None
    names = _names(heading)
    seen: dict[tuple[str, str], int] = {}
    for count, (number, cells) in enumerate(lines, start=1):
        if count > MAX_LINES:
            raise UnreadableFile(f"The file has more than {MAX_LINES:,} repayments. Split it.")
        try:
            row = _read(number, names, cells, zone)
            first = seen.setdefault((row.rail, row.reference), number)
            if first != number:
                raise ValueError(f"the reference stands in line {first} already")
        except ValueError as error:
            yield BadRow(line=number, reason=_sentence(str(error)), text=",".join(cells)[:200])
        else:
            yield row


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Lines with anything in them, and their numbers; a quoted cell may hold line breaks."""
    first = text.lstrip("\r\n").partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UnreadableFile(f"Line {number} cannot be read as CSV: {error}.") from error
        if any(cell.strip() for cell in cells):
            yield number, [cell.strip() for cell in cells]


def _names(heading: list[str]) -> list[str]:
    names = [cell.lower().replace(" ", "_") for cell in heading]
    if doubled := sorted({name for name in names if name and names.count(name) > 1}):
        raise UnreadableFile(f"The heading names {', '.join(doubled)} twice.")
    if unknown := [name or "(empty)" for name in names if name not in COLUMNS]:
        raise UnreadableFile(f"Unknown columns: {', '.join(unknown[:10])}. Known: {', '.join(COLUMNS)}.")
    missing = [name for name in REQUIRED if name not in names]
    if not {"loan", "phone"} & set(names):
        missing.insert(0, "loan or phone")
    if missing:
        raise UnreadableFile(f"Missing columns: {', '.join(missing)}. The first line must name the columns.")
    return names


def _read(number: int, names: list[str], cells: list[str], zone: tzinfo) -> Row:
    """Raises ValueError with the reason."""
    if len(cells) != len(names):
        raise ValueError(f"{len(cells)} columns where the heading has {len(names)}")
    values = dict.fromkeys(COLUMNS, "") | dict(zip(names, cells, strict=True))
    for name in REQUIRED:
        if not values[name]:
            raise ValueError(f"{name} is empty")
    loan, rail = values["loan"].upper(), values["rail"].lower().replace(" ", "_")
    # As they are kept: letters may become more when they change case.
    kept = {**values, "loan": loan, "rail": rail}
    for name, longest in _LONGEST.items():
        if len(kept[name]) > longest:
            raise ValueError(f"{name} is longer than {longest} characters")
    for name in ("loan", "reference", "note"):
        if values[name].startswith(_FORMULA):
            raise ValueError(f"{name} begins like a formula: {values[name][:20]}")
    if bool(values["loan"]) == bool(values["phone"]):
        raise ValueError("give either loan or phone" + (", not both" if values["loan"] else ""))
    return Row(
        line=number,
        loan=loan,
        phone=values["phone"],
        amount=_amount(values["amount"]),
        rail=rail,
        reference=values["reference"],
        received_at=_moment(values["received_at"], zone),
        note=values["note"],
    )


def _amount(text: str) -> Decimal:
    """5000, 5,000 and 1250.50; a comma only before three digits, so that 5,50 is not read as 550."""
    whole, point, decimals = text.partition(".")
    groups = whole.split(",")
    grouped = len(groups) == 1 or (1 <= len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:]))
    digits = "".join(groups)
    if not grouped or not (digits + decimals).isascii() or not (digits + (decimals or "0")).isdigit() or not digits:
        raise ValueError(f"{text[:30]!r} is not an amount")
    try:
        amount = Decimal(digits + point + decimals)
    except InvalidOperation as error:
        raise ValueError(f"{text[:30]!r} is not an amount") from error
    if amount > LARGEST:
        raise ValueError("the amount is too large")
    if amount <= 0:
        raise ValueError("the amount must be above zero")
    return amount


def _moment(text: str, zone: tzinfo) -> datetime:
    """Raises ValueError for what is no time, or one of another age."""
    moment = _any_moment(text, zone)
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"{text[:30]!r} is not of our time")
    return moment


def _any_moment(text: str, zone: tzinfo) -> datetime:
    """A day counts from its beginning in the country, so that today's is never in the future."""
    for form in _DAYS:
        try:
            return datetime.combine(datetime.strptime(text, form), time(), zone)  # noqa: DTZ007 - zone is added
        except ValueError:
            continue
    for form in _TIMES:
        try:
            return datetime.strptime(text, form).replace(tzinfo=zone)
        except ValueError:
            continue
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:30]!r} is not a day, or day and time, such as 2025-11-20 14:30") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
