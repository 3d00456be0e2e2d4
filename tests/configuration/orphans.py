"""Finds settings that nothing reads.

A setting counts as read when its name is read as an attribute in a file that speaks of its category (by the class's
name, or that of a category it inherits the setting from), outside the class itself. A property of the class that uses
the setting counts as the setting.
"""

import ast
import inspect
from collections.abc import Iterable, Iterator
from pathlib import Path

from configuration.categories import Category

ROOT = Path(__file__).resolve().parents[2]
# Where the product's own code is: not tests, not migrations, not the forms that show every setting alike.
APPS = ("config", "ussd", "loans", "promos", "disbursements", "ledger", "accounts", "notifications", "audit")


def find_orphans(category: type[Category], sources: Iterable[str]) -> list[str]:
    """The settings of `category` that none of the sources reads."""
    texts = list(sources)
    orphans = list(category.model_fields)
    for holder in holders(category):
        read = set().union(*(read_names(text, holder.__name__) for text in texts))
        through = property_reads(holder)
        orphans = [
            name
            for name in orphans
            if name not in holder.model_fields
            or (name not in read and not any(name in used and prop in read for prop, used in through.items()))
        ]
    return orphans


def holders(category: type[Category]) -> Iterator[type[Category]]:
    """The category and those it inherits from."""
    for ancestor in category.__mro__:
        if issubclass(ancestor, Category) and ancestor is not Category:
            yield ancestor


def product_sources() -> Iterator[str]:
    """The text of every module of the product."""
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path.read_text()


def read_names(source: str, class_name: str) -> set[str]:
    """Attributes read in a module that names the class, outside the class's own body."""
    if class_name not in source:
        return set()
    return set(_attributes(ast.parse(source), skip=class_name))


def property_reads(category: type[Category]) -> dict[str, set[str]]:
    """For each property of the class, the attributes its body reads."""
    tree = ast.parse(inspect.getsource(category))
    return {
        node.name: set(_attributes(node))
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(mark, ast.Name) and mark.id == "property" for mark in node.decorator_list)
    }


def _attributes(node: ast.AST, skip: str = "") -> Iterator[str]:
    if isinstance(node, ast.ClassDef) and node.name == skip:
        return
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        yield node.attr
    for child in ast.iter_child_nodes(node):
        yield from _attributes(child, skip)
