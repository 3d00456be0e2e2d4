"""The back office pages of settings."""

import html
import re

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from audit.models import AuditEvent
from configuration.models import ConfigurationVersion
from configuration.selectors import stored_category
from configuration.services import change_category
from tests.configuration.categories import Shop
from tests.configuration.test_admin_forms import UNCHANGED

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(django_user_model):
    """May change settings."""
    user = django_user_model.objects.create(email="manager@example.com", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="change_configurationversion"))
    return user


@pytest.fixture
def reader(django_user_model):
    """May look at settings."""
    user = django_user_model.objects.create(email="reader@example.com", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_configurationversion"))
    return user


@pytest.fixture
def outsider(django_user_model):
    """Works here, has nothing to do with settings."""
    return django_user_model.objects.create(email="outsider@example.com", is_staff=True)


@pytest.fixture
def page(client, manager):
    """The manager's browser."""
    client.force_login(manager)
    return client


def url(name, *arguments):
    return reverse(f"admin:configuration_{name}", args=["shop", *arguments])


def preview(page, version=0, **typed):
    data = UNCHANGED | {"version": str(version)} | typed
    return page.post(url("preview"), {name: value for name, value in data.items() if value is not None})


def save(page, previewed, *, reason="Because"):
    sealed = re.search(r'name="sealed" value="([^"]+)"', previewed.content.decode())[1]
    return page.post(url("save"), {"sealed": html.unescape(sealed), "reason": reason}, follow=True)


def told(response):
    return [str(message) for message in response.context["messages"]]


def test_list_shows_every_category_and_who_changed_it(page, manager, noon):
    change_category(Shop, changes={"staff": 5}, changed_by=manager, reason="r", at=noon)

    text = page.get(reverse("admin:configuration_configurationversion_changelist")).content.decode()

    assert "Settings of a shop." in text
    assert "Version 1, 20 Nov 2026 12:00 UTC" in text
    assert "manager@example.com" in text


def test_form_has_an_input_of_the_right_kind_for_every_setting(page):
    text = page.get(url("category")).content.decode()

    kinds = {name: re.search(rf'<(\w+)[^>]*name="{name}"', text)[1] for name in Shop.model_fields}
    assert {name for name, kind in kinds.items() if kind == "textarea"} == {"hours", "words", "provider", "keys"}
    assert kinds["mode"] == "select"
    types = {name: re.search(rf'<input type="(\w+)"[^>]*name="{name}"', text) for name in Shop.model_fields}
    assert {name: found[1] for name, found in types.items() if found} == {
        "open": "checkbox",
        "name": "text",
        "staff": "number",
        "price": "number",
        "rate": "number",
        "till_key": "password",
        "note": "text",
    }
    assert re.search(r'name="staff"[^>]*min="1"[^>]*max="9"', text)
    assert "People at work" in text


def test_form_never_holds_a_secret(page, noon):
    secrets = {"till_key": "sesame-1", "provider": {"token": "sesame-2"}, "keys": {"front": "sesame-3"}}
    change_category(Shop, changes=secrets, changed_by=None, reason="r", at=noon)

    text = page.get(url("category")).content.decode()

    assert "sesame" not in text
    assert "Set. Leave blank to keep it" in text


def test_form_sent_back_unchanged_changes_nothing(page):
    response = preview(page)

    assert told(response) == ["Nothing would change: these are the values in force."]


def test_preview_shows_before_and_after_and_saves_nothing(page):
    text = preview(page, staff="5", till_key="sesame").content.decode()

    assert re.search(r"Staff</td>\s*<td[^>]*>2</td>\s*<td[^>]*>5</td>", text)
    assert re.search(r"Till key</td>\s*<td[^>]*>–</td>\s*<td[^>]*>\*{8}</td>", text)
    assert "sesame" not in text
    assert not ConfigurationVersion.objects.exists()


def test_previewed_change_is_saved_with_its_reason_and_person(page, manager):
    response = save(page, preview(page, staff="5", open=None, till_key="sesame"), reason="More customers")

    assert told(response) == ["Shop: version 1 is in force. Every process obeys within 5 seconds."]
    row = ConfigurationVersion.objects.get()
    assert (row.created_by, row.reason) == (manager, "More customers")
    assert row.values.keys() == {"staff", "open", "till_key"}
    assert stored_category(Shop).values == Shop(staff=5, open=False, till_key="sesame")
    assert AuditEvent.objects.get(action="configuration.changed").actor_label == "manager@example.com"


def test_values_of_every_kind_are_saved(page):
    typed = {
        "name": "Big shop",
        "mode": "card",
        "price": "1.25",
        "rate": "0.75",
        "hours": "[7, 20]",
        "words": '{"en": "Hi"}',
        "provider": '{"name": "airtel", "token": "p"}',
        "keys": '{"front": "f"}',
        "note": "n",
    }

    save(page, preview(page, **typed))

    assert stored_category(Shop).values == Shop(
        name="Big shop",
        mode="card",
        price="1.25",
        rate=0.75,
        hours=[7, 20],
        words={"en": "Hi"},
        provider={"name": "airtel", "token": "p"},
        keys={"front": "f"},
        note="n",
    )


def test_blank_secret_is_kept_and_emptied_by_its_box(page, noon):
    before = {"till_key": "sesame", "provider": {"token": "p"}}
    change_category(Shop, changes=before, changed_by=None, reason="r", at=noon)
    shown = {"provider": '{"name": "mtn", "token": "********"}'}

    save(page, preview(page, 1, staff="5", **shown))
    assert stored_category(Shop).values == Shop(staff=5, till_key="sesame", provider={"token": "p"})

    save(page, preview(page, 2, staff="5", clear__till_key="on", **shown))
    assert stored_category(Shop).values == Shop(staff=5, provider={"token": "p"})


def test_every_mistake_is_shown_beside_its_field_and_nothing_is_lost(page):
    response = preview(page, staff="50", hours="[8,", name="Big shop", words="[]")

    form = response.context["form"]
    assert form.errors == {
        "staff": ["Input should be less than or equal to 9."],
        "hours": ["This is not JSON: Expecting value in line 1, column 4."],
        "words": ["Input should be a valid dictionary."],
    }
    text = response.content.decode()
    assert 'value="50"' in text
    assert 'value="Big shop"' in text
    assert not ConfigurationVersion.objects.exists()


def test_values_that_contradict_each_other_are_told_above_the_form(page):
    response = preview(page, hours="[18, 8]")

    assert response.context["form"].non_field_errors() == ["The shop must open before it closes."]


def test_save_without_a_reason_asks_again_and_keeps_the_change(page):
    previewed = preview(page, staff="5")

    asked = save(page, previewed, reason="  ")
    assert "Say why" in asked.content.decode()
    assert not ConfigurationVersion.objects.exists()

    save(page, asked, reason="Because")
    assert stored_category(Shop).values.staff == 5


def test_form_opened_before_somebody_elses_change_is_refused(page, noon):
    change_category(Shop, changes={"staff": 5}, changed_by=None, reason="r", at=noon)

    response = page.post(url("preview"), UNCHANGED | {"version": "0", "name": "Big shop"}, follow=True)

    assert "changed meanwhile" in told(response)[0]
    assert ConfigurationVersion.objects.count() == 1


def test_preview_made_before_somebody_elses_change_is_refused(page, noon):
    previewed = preview(page, name="Big shop")
    change_category(Shop, changes={"staff": 5}, changed_by=None, reason="r", at=noon)

    response = save(page, previewed)

    assert told(response) == ["These settings were changed meanwhile: version 1 is in force, not 0."]
    assert stored_category(Shop).values == Shop(staff=5)


def test_history_shows_versions_and_rolls_back(page, noon):
    change_category(Shop, changes={"staff": 5}, changed_by=None, reason="first", at=noon)
    change_category(Shop, changes={"staff": 6}, changed_by=None, reason="second", at=noon)
    text = page.get(url("history")).content.decode()
    assert text.index("second") < text.index("first")
    assert url("roll_back", 1) in text
    assert url("roll_back", 2) not in text

    previewed = page.get(url("roll_back", 1))
    assert re.search(r"Staff</td>\s*<td[^>]*>6</td>\s*<td[^>]*>5</td>", previewed.content.decode())
    save(page, previewed, reason="Too many")

    row = ConfigurationVersion.objects.order_by("-version")[0]
    assert (row.version, row.reason) == (3, "Rolled back to version 1: Too many")
    assert stored_category(Shop).values == Shop(staff=5)


def test_history_is_paged(page, noon):
    for number in range(22):
        change_category(Shop, changes={"staff": 3 + number % 2}, changed_by=None, reason=f"no {number}.", at=noon)

    first = page.get(url("history")).content.decode()
    second = page.get(url("history") + "?before=3").content.decode()

    assert first.count("Roll back to this") == 19
    assert "?before=3" in first
    assert "no 1." in second
    assert "no 2." not in second
    assert "Roll back to the defaults" in second
    assert page.get(url("history") + "?before=x").status_code == 200


@pytest.mark.parametrize("version", [1, 9])
def test_roll_back_that_makes_no_sense_is_refused_in_words(page, noon, version):
    change_category(Shop, changes={"staff": 5}, changed_by=None, reason="r", at=noon)

    response = page.get(url("roll_back", version), follow=True)

    assert told(response)[0] in {"Nothing would change: these are the values in force.", "Shop has no version 9."}


def test_unknown_category_is_not_found(page):
    assert page.get(reverse("admin:configuration_category", args=["shops"])).status_code == 404


PAGES = [("get", "category"), ("get", "history"), ("post", "preview"), ("post", "save"), ("get", "roll_back")]


@pytest.mark.parametrize(
    ("who", "allowed"),
    [
        ("manager", {"category", "history", "preview", "save", "roll_back"}),
        ("reader", {"category", "history"}),
        ("outsider", set()),
    ],
)
def test_each_page_needs_its_permission(client, request, who, allowed):
    client.force_login(request.getfixturevalue(who))

    opened = set()
    for method, name in PAGES:
        address = url(name, 0) if name == "roll_back" else url(name)
        if getattr(client, method)(address).status_code != 403:
            opened.add(name)
    assert opened == allowed
    assert (client.get(reverse("admin:configuration_configurationversion_changelist")).status_code == 200) == bool(
        allowed
    )


def test_reader_sees_no_buttons_that_change(client, reader, noon):
    change_category(Shop, changes={"staff": 5}, changed_by=None, reason="r", at=noon)
    change_category(Shop, changes={"staff": 6}, changed_by=None, reason="r", at=noon)
    client.force_login(reader)

    assert "Preview the change" not in client.get(url("category")).content.decode()
    assert "Roll back" not in client.get(url("history")).content.decode()


def test_pages_are_kept_out_of_caches(page):
    assert "no-store" in page.get(url("category"))["Cache-Control"]
    assert "no-store" in preview(page, staff="5")["Cache-Control"]


def test_forged_sealed_change_saves_nothing(page):
    response = page.post(url("save"), {"sealed": "forged", "reason": "r"}, follow=True)

    assert told(response) == ["This preview can no longer be saved: preview the change again."]
    assert not ConfigurationVersion.objects.exists()
