"""`manage.py demo_access`: addresses, sign-ins and secrets of the demo."""

import json
import shlex
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.demo.access import demo_access, shell_variables


class Command(BaseCommand):
    """Refused outside sandbox mode."""

    help = "Prints how to get into the sandbox's demo."

    def add_arguments(self, parser: ArgumentParser) -> None:
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="machine-readable")
        form.add_argument("--shell", action="store_true", help='variables for a shell: eval "$(... --shell)"')

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SANDBOX:
            raise CommandError("Demo secrets are printed in sandbox mode only.")
        access = demo_access()
        if options["json"]:
            self.stdout.write(json.dumps(access, indent=2))
            return
        if options["shell"]:
            for name, value in shell_variables(access).items():
                self.stdout.write(f"{name}={shlex.quote(value)}")
            return
        for member in access["staff"]:
            self.stdout.write(f"  sign in      {member['email']}  {member['password']}  ({member['role']})")
        for token in access["apiTokens"]:
            self.stdout.write(f"  API token    {token['partner']}  {token['token']}")
        for gateway in access["gateways"]:
            codes = ", ".join(f"{code} ({journey})" for code, journey in gateway["serviceCodes"].items())
            self.stdout.write(f"  dial         {codes}  through gateway {gateway['slug']}")
        for customer in access["customers"]:
            self.stdout.write(f"  customer     {customer['phone']}  {customer['about']}")
