"""Loans: get one, see what is owed, repay, and why the amount is what it is (contract sections 2 and 4)."""

from ussd.journeys import credit_get, credit_loans, credit_repay
from ussd.languages import CHOOSE_LANGUAGE
from ussd.screens import Choice, Journey, Screen, go

JOURNEY = Journey(
    name="credit",
    title="Loans",
    start="credit.main",
    screens=(
        Screen(
            "credit.main",
            words="credit.main",
            choices=(
                credit_get.GET_A_LOAN,
                credit_loans.MY_LOAN,
                credit_repay.REPAY,
                credit_loans.WHY,
                Choice("menu.language", go(CHOOSE_LANGUAGE)),
            ),
            leaves=True,
        ),
        *credit_get.SCREENS,
        *credit_loans.SCREENS,
        *credit_repay.SCREENS,
    ),
    in_menu=Choice("menu.credit", go("credit.main")),
    menu_order=30,
)
