"""Reading a file of repayments: what Excel and people make of CSV, and what is wrong with it in clear words."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from loans.repayment_csv import COLUMNS, SAMPLE, BadRow, Row, UnreadableFile, decode, read_rows

LAGOS = ZoneInfo("Africa/Lagos")
HEAD = "loan,amount,rail,reference,received_at"
GOOD = "USS-2026-001,5000,bank,T-1,2026-11-20 14:30"


def read(text: str) -> list[Row | BadRow]:
    return list(read_rows(text, zone=LAGOS))


def one(line: str, head: str = HEAD) -> Row | BadRow:
    [row] = read(f"{head}\n{line}\n")
    return row


def reason(line: str, head: str = HEAD) -> str:
    row = one(line, head)
    assert isinstance(row, BadRow), row
    assert row.line == 2
    return row.reason


def test_row_is_read() -> None:
    assert one(GOOD) == Row(
        line=2,
        loan="USS-2026-001",
        phone="",
        amount=Decimal(5000),
        rail="bank",
        reference="T-1",
        received_at=datetime(2026, 11, 20, 13, 30, tzinfo=UTC),
        note="",
    )


def test_sample_has_every_column_and_is_good() -> None:
    rows = read(SAMPLE)
    assert SAMPLE.splitlines()[0].split(",") == list(COLUMNS)
    assert [type(row) for row in rows] == [Row, Row]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_whatever_excel_saves_is_read(delimiter: str, end: str, encoding: str) -> None:
    text = end.join(line.replace(",", delimiter) for line in (HEAD, GOOD, "")) + end
    assert read(decode(text.encode(encoding))) == [one(GOOD)]


def test_columns_may_stand_in_any_order_and_case() -> None:
    row = one("T-1,  20/11/2026 14:30 ,Bank,uss-2026-001,5000,hello", "Reference,Received At,RAIL,Loan,amount,note")
    assert isinstance(row, Row)
    assert (row.loan, row.rail, row.note) == ("USS-2026-001", "bank", "hello")


@pytest.mark.parametrize(
    ("typed", "amount"),
    [("5000", "5000"), ('"5,000"', "5000"), ("5000.5", "5000.5"), ('"1,234,567.89"', "1234567.89"), ("0.01", "0.01")],
)
def test_amounts(typed: str, amount: str) -> None:
    row = one(f"USS-2026-001,{typed},bank,T-1,2026-11-20")
    assert isinstance(row, Row)
    assert row.amount == Decimal(amount)


@pytest.mark.parametrize(
    "typed", ['"5,50"', '"5.000,00"', "five", "1e3", "-5", "+5", "٥٠", "5 000", "NaN", ".", ".5", "=5", '"1,0000"']
)
def test_what_is_no_amount(typed: str) -> None:
    assert "is not an amount" in reason(f"USS-2026-001,{typed},bank,T-1,2026-11-20")


@pytest.mark.parametrize(
    ("typed", "moment"),
    [
        ("2026-11-20", "2026-11-19T23:00:00+00:00"),
        ("20/11/2026", "2026-11-19T23:00:00+00:00"),
        ("2026-11-20 14:30", "2026-11-20T13:30:00+00:00"),
        ("20/11/2026 14:30:15", "2026-11-20T13:30:15+00:00"),
        ("2026-11-20T14:30:00Z", "2026-11-20T14:30:00+00:00"),
        ("2026-11-20T14:30:00", "2026-11-20T13:30:00+00:00"),
    ],
)
def test_times_are_the_countrys(typed: str, moment: str) -> None:
    row = one(f"USS-2026-001,5000,bank,T-1,{typed}")
    assert isinstance(row, Row)
    assert row.received_at.astimezone(UTC).isoformat() == moment


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("USS-2026-001,0,bank,T-1,2026-11-20", "The amount must be above zero."),
        ("USS-2026-001,9999999999999,bank,T-1,2026-11-20", "The amount is too large."),
        ("USS-2026-001,,bank,T-1,2026-11-20", "Amount is empty."),
        ("USS-2026-001,5,bank,,2026-11-20", "Reference is empty."),
        (",5,bank,T-1,2026-11-20", "Give either loan or phone."),
        ("USS-2026-001,5,bank,T-1,11/20/2026", "'11/20/2026' is not a day"),
        ("USS-2026-001,5,bank,T-1", "4 columns where the heading has 5."),
        ("USS-2026-001,5,bank,T-1,2026-11-20,more", "6 columns where the heading has 5."),
        ("=cmd(),5,bank,T-1,2026-11-20", "Loan begins like a formula: =cmd()."),
        ("USS-2026-001,5,bank,@SUM(A1),2026-11-20", "Reference begins like a formula: @SUM(A1)."),
        (f"USS-2026-001,5,bank,{'x' * 101},2026-11-20", "Reference is longer than 100 characters."),
    ],
)
def test_bad_line_says_why(line: str, words: str) -> None:
    assert reason(line).startswith(words)


def test_loan_and_phone_together_are_refused() -> None:
    assert reason("USS-2026-001,08031234567,5,bank,T-1,2026-11-20", "loan,phone,amount,rail,reference,received_at") == (
        "Give either loan or phone, not both."
    )


def test_reference_twice_in_the_file_is_bad_the_second_time() -> None:
    other_rail = GOOD.replace("bank", "cash")
    rows = read("\n".join([HEAD, GOOD, "", other_rail, GOOD]))
    assert [type(row) for row in rows] == [Row, Row, BadRow]
    assert rows[2] == BadRow(5, "The reference stands in line 2 already.", GOOD)


def test_line_numbers_are_those_of_the_file() -> None:
    text = f'{HEAD}\n\n,,,,\n"USS-2026-001","5\n0",bank,T-1,2026-11-20\nUSS-2026-001,x,bank,T-2,2026-11-20\n'
    assert [row.line for row in read(text)] == [4, 6]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "The file is empty."),
        ("\n\n", "The file is empty."),
        ("amount,rail\n", "Missing columns: loan or phone, reference, received_at."),
        (f"{HEAD},colour\n", "Unknown columns: colour."),
        (f"{HEAD},\n", r"Unknown columns: \(empty\)."),
        (f"{HEAD},amount\n", "The heading names amount twice."),
        (f'{HEAD}\n"USS', "Line 2 cannot be read as CSV"),
        (f'{HEAD}\n{GOOD}\n"a"b,1,2,3,4', "Line 3 cannot be read as CSV"),
    ],
)
def test_unreadable_file_says_what_to_change(text: str, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words):
        read(text)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (f"{HEAD}\nUSS-2026-001,5,bank,Caf\xe9,2026-11-20".encode("latin-1"), "Line 2 is not UTF-8"),
        (b"PK\x03\x04\x00\x00", "not a text file"),
        (b"\xff\xfea", "not UTF-8|not a text"),
        (b"x" * (20 * 1024 * 1024 + 1), "larger than 20 MB"),
    ],
)
def test_bytes_that_are_no_text(content: bytes, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words):
        decode(content)


def test_hundred_thousand_lines_are_read_and_no_more() -> None:
    lines = [HEAD, *(f"USS-2026-001,5,bank,T-{number},2026-11-20" for number in range(100_000))]
    assert sum(isinstance(row, Row) for row in read("\n".join(lines))) == 100_000
    with pytest.raises(UnreadableFile, match="more than 100,000"):
        read("\n".join([*lines, "USS-2026-001,5,bank,more,2026-11-20"]))
