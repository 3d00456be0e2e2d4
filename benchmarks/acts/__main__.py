"""`python -m benchmarks.acts NAME`: arguments as JSON on stdin, what the act returns as JSON on stdout."""

import json
import sys

import django

django.setup()

from benchmarks.acts import books, borrowers, codes, customers, lending, prepare, redeeming  # noqa: E402 -- they import models

ACTS = {
    "prepare": prepare.prepare,
    "add_customers": customers.add_customers,
    "idle": codes.idle,
    "generate": codes.generate,
    "export_codes": codes.export_codes,
    "copy_codes": codes.copy_codes,
    "pick_codes": codes.pick_codes,
    "settle_tables": codes.settle_tables,
    "redeem": redeeming.redeem,
    "count_redemptions": redeeming.count_redemptions,
    "add_borrowers": borrowers.add_borrowers,
    "count_loans": lending.count_loans,
    "check_tokens": lending.check_tokens,
    "explain": lending.explain,
    "find_breaches": books.find_breaches,
}

if __name__ == "__main__":
    json.dump(ACTS[sys.argv[1]](**json.load(sys.stdin)), sys.stdout)
