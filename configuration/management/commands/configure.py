"""Show or change the settings of one category from the command line."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from pydantic import SecretStr

from audit.context import acting
from configuration.categories import Category
from configuration.changes import InvalidConfiguration
from configuration.registry import UnknownCategory, all_categories, category_by_slug
from configuration.selectors import stored_category
from configuration.services import NothingChanged, change_category
from configuration.storage import to_shown


class Command(BaseCommand):
    """`configure payments --set max_tries=3 --reason "..."`; without --set it prints, without a category it lists."""

    help = (
        "Print the settings of a category, or change some. A value is JSON or plain text. A secret given as '-' is "
        "read from standard input, so that it stays out of the shell's history."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("category", nargs="?", help="Slug of the category; left out: list them")
        parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="pairs")
        parser.add_argument("--reason", default="", help="Why; stays in the history. Needed with --set")
        parser.add_argument("--json", action="store_true", help="One JSON object on standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["category"] is None:
            if options["pairs"]:
                raise CommandError("--set needs a category")
            self._list(as_json=options["json"])
            return
        try:
            category = category_by_slug(options["category"])
        except UnknownCategory as error:
            raise CommandError(str(error)) from error
        if options["pairs"]:
            self._change(category, read_pairs(category, options["pairs"]), options["reason"], options["json"])
        else:
            self._show(category, as_json=options["json"])

    def _list(self, *, as_json: bool) -> None:
        found = {category.slug: category.title for category in all_categories()}
        self._print(found, [f"{slug:<20} {title}" for slug, title in found.items()], as_json=as_json)

    def _show(self, category: type[Category], *, as_json: bool) -> None:
        stored = stored_category(category)
        values = to_shown(stored.values)
        lines = [f"{category.title}, version {stored.version}"]
        lines += [f"  {name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
        self._print({"category": category.slug, "version": stored.version, "values": values}, lines, as_json=as_json)

    def _change(self, category: type[Category], changes: dict[str, Any], reason: str, as_json: bool) -> None:
        try:
            with acting(label="command:configure"):
                row = change_category(category, changes=changes, changed_by=None, reason=reason, at=timezone.now())
        except InvalidConfiguration as error:
            lines = [f"{name}: {' '.join(messages)}" for name, messages in error.errors.items()]
            raise CommandError("Nothing was changed.\n  " + "\n  ".join(lines)) from error
        except NothingChanged as error:
            raise CommandError(str(error)) from error
        self._print(
            {"category": category.slug, "version": row.version, "changed": sorted(changes)},
            [f"{category.title}: version {row.version} is in force; every process obeys within 5 s"],
            as_json=as_json,
        )

    def _print(self, found: dict[str, Any], lines: list[str], *, as_json: bool) -> None:
        text = json.dumps(found, ensure_ascii=False) if as_json else "\n".join(lines)
        self.stdout.write(text)


def read_pairs(category: type[Category], pairs: list[str]) -> dict[str, Any]:
    """`key=value` strings as changes. Raises CommandError for a pair without '=', or a key given twice."""
    changes: dict[str, Any] = {}
    for pair in pairs:
        name, separator, text = pair.partition("=")
        if not separator or not name:
            raise CommandError(f"{pair!r} is not KEY=VALUE")
        if name in changes:
            raise CommandError(f"{name} is set twice")
        changes[name] = read_value(category, name, text)
    return changes


def read_value(category: type[Category], name: str, text: str) -> Any:
    """Text fields take the text as it is; every other type takes JSON, or the text when it is none."""
    field = category.model_fields.get(name)
    annotation = field.annotation if field else None
    if annotation is SecretStr and text == "-":
        return sys.stdin.readline().rstrip("\n")
    if annotation in (str, SecretStr):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
