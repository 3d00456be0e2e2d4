"""`manage.py ussd_graph`: the journeys as text, or as a drawing for Mermaid or Graphviz."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from ussd.graph import DRAWINGS


class Command(BaseCommand):
    """Prints to standard output; reads no database."""

    help = "Draws the USSD journeys."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=sorted(DRAWINGS), default="text", help="text (default), mermaid or dot")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(DRAWINGS[options["format"]]())
