"""Who asks for a loan, and which loans decide about the request."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import User
from accounts.phone_numbers import is_of_country
from loans.configuration import LoanSettings
from loans.models import CreditProfile, Loan

# As text: every offer and approval comes here, and composing these costs Django more than PostgreSQL needs to answer.
_PROFILE_FIELDS = [field.attname for field in CreditProfile._meta.concrete_fields]
_PROFILE_COLUMNS = [str(field.column) for field in CreditProfile._meta.concrete_fields]
_BORROWER = f"""
    SELECT customer.*, {", ".join(f"profile.{column} AS credit_{column}" for column in _PROFILE_COLUMNS)}
      FROM accounts_user customer LEFT JOIN loans_credit_profile profile ON profile.customer_id = customer.id
     WHERE customer.phone = %s
"""  # noqa: S608 - names come from the model, the phone is a parameter
_IN_QUESTION = """
    SELECT * FROM "loans_loan"
     WHERE customer_id = %(customer)s
           AND (session_instance = %(instance)s OR session_id = %(session)s AND created_at >= %(session_since)s)
        OR phone = %(phone)s AND created_at >= %(phone_since)s
     ORDER BY created_at DESC, id DESC
"""


@dataclass(frozen=True)
class Borrower:
    """A customer, with what we know of them as a borrower; None for one who never borrowed."""

    customer: User
    profile: CreditProfile | None


def find_borrower(phone: str) -> Borrower | None:
    """The customer with this number (E.164) and their credit profile, in one SQL statement."""
    for customer in User.objects.raw(_BORROWER, [phone]):
        values = [getattr(customer, f"credit_{column}") for column in _PROFILE_COLUMNS]
        if values[0] is None:
            return Borrower(customer, None)
        profile = CreditProfile.from_db(customer._state.db, _PROFILE_FIELDS, values)
        profile.customer = customer
        return Borrower(customer, profile)
    return None


def is_served(customer: User, phone: str, rules: LoanSettings) -> bool:
    """Whether this customer may borrow at all, paid to this phone (E.164): an active one, with a phone of the country
    lent in. The account that pays the currency of loans reaches no other.
    """
    return customer.is_active and is_of_country(phone, rules.region)


def loans_in_question(
    *, customer_id: UUID, instance: str, session_id: str, session_since: datetime, phone: str, phone_since: datetime
) -> list[Loan]:
    """Newest first: the customer's loans of this session, by our name for it, or by the gateway's since
    `session_since`; and anybody's on this phone since `phone_since`, for the pause between loans.
    """
    found = Loan.objects.raw(
        _IN_QUESTION,
        {
            "customer": customer_id,
            "instance": instance,
            "session": session_id,
            "session_since": session_since,
            "phone": phone,
            "phone_since": phone_since,
        },
    )
    return list(found)
