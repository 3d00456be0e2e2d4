"""The form made from a category, and the sealed change it leads to."""

from datetime import timedelta
from html.parser import HTMLParser

import pytest
from pydantic import SecretStr

from configuration.admin.forms import CategoryForm
from configuration.admin.sealing import Proposal, StalePreview, seal, unseal
from configuration.changes import apply_changes
from configuration.registry import all_categories
from tests.configuration.categories import Shop

# The form as a browser sends it unchanged.
UNCHANGED = {
    "open": "on",
    "name": "Corner shop",
    "mode": "cash",
    "staff": "2",
    "price": "9.50",
    "rate": "0.5",
    "hours": "[8, 18]",
    "words": "{}",
    "till_key": "",
    "provider": '{"name": "mtn", "token": ""}',
    "keys": "{}",
    "note": "",
}


class Inputs(HTMLParser):
    """What a browser would send of the form on this page, if nothing was typed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.data: dict[str, str] = {}
        self.name = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        if tag == "input" and (found.get("type") != "checkbox" or "checked" in found):
            self.data[found["name"] or ""] = found.get("value") or ("on" if found["type"] == "checkbox" else "")
        elif tag in ("select", "textarea"):
            self.name = found["name"] or ""
            self.data[self.name] = ""
        elif tag == "option" and "selected" in found:
            self.data[self.name] = found["value"] or ""

    def handle_data(self, data: str) -> None:
        if self.lasttag == "textarea" and self.name:
            self.data[self.name] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.name = ""


def as_browser_sends(form: CategoryForm) -> dict[str, str]:
    return Inputs("".join(str(form[name]) for name in form.fields)).data


@pytest.mark.django_db
def test_form_of_every_registered_category_sends_back_what_is_in_force():
    for category in all_categories():
        values = category()
        form = CategoryForm(values)

        sent_back = CategoryForm(values, as_browser_sends(form))

        assert sent_back.is_valid(), sent_back.errors
        assert apply_changes(values, sent_back.changes()) == values, category.slug


def test_secret_field_accepts_a_new_value():
    form = CategoryForm(Shop(till_key=SecretStr("a")), UNCHANGED | {"till_key": "b"})

    assert form.is_valid()
    assert form.changes()["till_key"] == "b"


def test_sealed_change_opens_only_for_its_person_category_and_hour(noon):
    proposal = Proposal(3, changes={"till_key": "sesame", "staff": 4})
    sealed = seal(proposal, category="shop", user_id=7, at=noon)

    assert "sesame" not in sealed
    assert unseal(sealed, category="shop", user_id=7, at=noon + timedelta(hours=1)) == proposal
    for other in (
        {"category": "promos"},
        {"user_id": 8},
        {"at": noon + timedelta(hours=1, seconds=1)},
        {"at": noon - timedelta(seconds=1)},
    ):
        with pytest.raises(StalePreview):
            unseal(sealed, **({"category": "shop", "user_id": 7, "at": noon} | other))
    with pytest.raises(StalePreview):
        unseal("forged", category="shop", user_id=7, at=noon)
