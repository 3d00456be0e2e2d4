"""`manage.py load_demo`: the sandbox's demo data, once."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.demo.loader import load_demo


class Command(BaseCommand):
    """Refused outside sandbox mode: demo sign-ins must not reach real money."""

    help = "Loads the sandbox's demo data; what is there already stays untouched."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SANDBOX:
            raise CommandError("Demo data belong to sandbox mode. Set SANDBOX=1 where no real money is.")
        load_demo(at=timezone.now())
        self.stdout.write("Demo data are in place.")
