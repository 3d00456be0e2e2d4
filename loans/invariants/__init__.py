"""What must never be in lending: between loans, repayments, payouts, profiles, history and ledger (architecture 3)."""

from ledger.invariants import Invariant
from loans.invariants.ledger import LEDGER_INVARIANTS
from loans.invariants.sums import SUM_INVARIANTS
from loans.invariants.trail import TRAIL_INVARIANTS

LENDING_INVARIANTS: dict[str, Invariant] = {**LEDGER_INVARIANTS, **SUM_INVARIANTS, **TRAIL_INVARIANTS}
