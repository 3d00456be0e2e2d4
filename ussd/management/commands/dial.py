"""`manage.py dial CODE PHONE`: a handset in the terminal.

manage.py dial "*384*1234#" +250788123456                      by hand
manage.py dial "*384*1234#" +250788123456 --input 1 --input CODE   scripted
"""

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ussd.handset import Call, HttpLine, InProcessLine, Line, NoAnswer
from ussd.models import Gateway
from ussd.service_codes import find_route
from ussd.statuses import GatewayKind
from ussd.turns import Reply

DEFAULT_URL = "http://127.0.0.1:8000"
_WIDTH = 32


class Command(BaseCommand):
    """Dials through the real endpoint: of the running web process if there is one, else inside this process."""

    help = "Dials a service code and shows the screens. Keys: Enter sends; Ctrl-D hangs up."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("code", help="what to dial, such as *384*1234# (in quotes)")
        parser.add_argument("phone", help="who dials, such as +250788123456")
        parser.add_argument(
            "--gateway", help="slug; default: the first that has the code, Africa's Talking before others"
        )
        parser.add_argument(
            "--input", action="append", dest="inputs", metavar="TEXT", help="type this; may be repeated"
        )
        parser.add_argument("--network-code", default="", help="as the gateway would send it, such as 63510")
        parser.add_argument("--session-id", help="instead of a new one")
        parser.add_argument("--url", help="address of the web process; default: PUBLIC_URL, else port 8000 here")
        parser.add_argument("--in-process", action="store_true", help="do not look for a web process")

    def handle(self, *args: Any, **options: Any) -> None:
        gateway = find_gateway(options["gateway"], options["code"])
        call = Call(gateway, options["phone"], options["code"], self._line(options), options["network_code"])
        if options["session_id"]:
            call.session_id = options["session_id"]
        try:
            self._talk(call, options["inputs"])
        except NoAnswer as error:
            raise CommandError(str(error)) from error

    def _line(self, options: dict[str, Any]) -> Line:
        if not options["in_process"]:
            line = HttpLine(options["url"] or settings.PUBLIC_URL or DEFAULT_URL)
            if line.answers():
                return line
            if options["url"]:
                raise CommandError(f"No web process answers at {options['url']}.")
        return InProcessLine()

    def _talk(self, call: Call, scripted: list[str] | None) -> None:
        reply = call.dial()
        self._show(reply)
        for text in self._inputs(scripted):
            if reply.ends:
                break
            reply = call.type(text)
            self._show(reply)
            if reply.ends:
                break

    def _inputs(self, scripted: list[str] | None) -> Iterator[str]:
        if scripted is not None:
            yield from scripted
            return
        while True:
            try:
                yield input("> ")
            except (EOFError, KeyboardInterrupt):
                self.stdout.write("(hung up)")
                return

    def _show(self, reply: Reply) -> None:
        self.stdout.write("-" * _WIDTH)
        self.stdout.write(reply.text)
        self.stdout.write("-" * _WIDTH + (" (ended)" if reply.ends else ""))


def find_gateway(slug: str | None, code: str) -> Gateway:
    """The gateway to dial through. Raises CommandError with the ones there are."""
    active = list(Gateway.objects.filter(is_active=True))
    if slug:
        fitting = [gateway for gateway in active if gateway.slug == slug]
    else:
        fitting = [gateway for gateway in active if find_route(gateway.service_codes, code)]
        fitting.sort(key=lambda gateway: gateway.kind != GatewayKind.AFRICAS_TALKING)
    if fitting:
        return fitting[0]
    known = "; ".join(f"{gateway.slug} with {', '.join(gateway.service_codes)}" for gateway in active)
    raise CommandError(f"No active gateway {slug or 'has ' + code}. There are: {known or 'none'}.")
