"""The words of messages, and what takes their place."""

import pytest

from configuration.changes import InvalidConfiguration
from configuration.services import change_category
from notifications.configuration import NotificationSettings
from notifications.rendering import render
from notifications.templates import TemplateRefused, UnknownTemplate, all_templates, register_template

CONTEXT = {"amount": "RWF 5,000", "reference": "ABC"}


def override(noon, templates):
    change_category(NotificationSettings, changes={"templates": templates}, changed_by=None, reason="r", at=noon)


@pytest.mark.parametrize(
    ("words", "fields", "why"),
    [
        ({"rw": "x"}, (), "words in 'en' are missing"),
        ({"en": "x", "de": "x"}, (), "the language is not one of en, rw, sw, fr"),
        ({"en": "  "}, (), "there are no words"),
        ({"en": "Paid {sum}"}, ("amount",), "unknown sum; it may use {amount}"),
        ({"en": "Paid {amount"}, ("amount",), "the braces do not match"),
        ({"en": "Paid {amount.real}"}, ("amount",), "only plain places"),
        ({"en": "Paid {amount[0]}"}, ("amount",), "only plain places"),
        ({"en": "Paid {amount!r}"}, ("amount",), "only plain places"),
        ({"en": "Paid {amount:>99}"}, ("amount",), "only plain places"),
        ({"en": "Paid {}"}, ("amount",), "only plain places"),
        ({"en": "x" * 161}, (), "161 characters at its longest, one SMS holds 160"),
        ({"en": "x" * 141 + "{amount}"}, {"amount": "y" * 20}, "161 characters at its longest"),
        ({"en": "€" * 81}, (), "162 characters at its longest"),
    ],
)
def test_words_that_could_not_be_sent_are_refused(words, fields, why):
    with pytest.raises(TemplateRefused, match=why):
        register_template("test.bad", words=words, fields=fields)

    assert "test.bad" not in [template.key for template in all_templates()]


def test_key_is_registered_once(paid_template):
    with pytest.raises(TemplateRefused, match="registered twice"):
        register_template(paid_template, words={"en": "x"})


def test_field_without_a_longest_value_counts_as_twenty_characters():
    register_template("test.fits", words={"en": "x" * 140 + "{name}"}, fields={"name"})

    with pytest.raises(TemplateRefused):
        register_template("test.long", words={"en": "x" * 141 + "{name}"}, fields={"name"})


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "You have been paid RWF 5,000. Ref ABC."),
        ("rw", "Wishyuwe RWF 5,000. ABC"),
        ("fr", "You have been paid RWF 5,000. Ref ABC."),
        ("", "You have been paid RWF 5,000. Ref ABC."),
    ],
)
def test_render_takes_the_language_or_english(paid_template, language, text):
    assert render(paid_template, language, CONTEXT) == text


@pytest.mark.django_db
def test_values_are_shown_as_they_are_and_in_the_alphabet(paid_template):
    text = render(paid_template, "en", {"amount": "₦5 {reference} {0}", "reference": "Zoë"})

    assert text == "You have been paid NGN 5 {reference} {0}. Ref Zoe."


@pytest.mark.django_db
def test_missing_field_and_unknown_template_are_errors(paid_template):
    with pytest.raises(KeyError, match="reference"):
        render(paid_template, "en", {"amount": "RWF 5"})
    with pytest.raises(UnknownTemplate, match=r"No template 'test\.none'"):
        render("test.none", "en", CONTEXT)


@pytest.mark.django_db
def test_words_of_staff_take_the_place_of_ours_in_their_language_only(paid_template, noon):
    override(noon, {paid_template: {"en": "Paid: {amount}", "fr": "Payé: {amount}"}})

    assert render(paid_template, "en", CONTEXT) == "Paid: RWF 5,000"
    assert render(paid_template, "fr", CONTEXT) == "Payé: RWF 5,000"
    assert render(paid_template, "rw", CONTEXT) == "Wishyuwe RWF 5,000. ABC"
    assert render(paid_template, "sw", CONTEXT) == "Paid: RWF 5,000"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("templates", "why"),
    [
        ({"test.none": {"en": "x"}}, "No template 'test.none'"),
        ({"test.paid": {"en": "Paid {sum}"}}, "unknown sum"),
        ({"test.paid": {"en": "x" * 160 + "{amount}"}}, "characters at its longest"),
        ({"test.paid": {"de": "x"}}, "the language is not one of"),
    ],
)
def test_words_of_staff_that_could_not_be_sent_are_refused(noon, templates, why):
    with pytest.raises(InvalidConfiguration) as refused:
        override(noon, templates)

    assert refused.value.errors.keys() == {"templates"}
    assert why in str(refused.value)


@pytest.mark.django_db
def test_words_of_staff_saved_for_a_field_that_is_gone_give_way_to_ours(paid_template, noon):
    override(noon, {paid_template: {"en": "Paid: {amount} {reference}"}})

    assert render(paid_template, "en", CONTEXT) == "Paid: RWF 5,000 ABC"
    with pytest.raises(KeyError):
        render(paid_template, "en", {"amount": "RWF 5"})


def test_every_registered_template_speaks_english_and_kinyarwanda():
    assert [template.key for template in all_templates() if not {"en", "rw"} <= template.words.keys()] == []


@pytest.mark.django_db
def test_address_without_https_is_refused_outside_the_sandbox(noon, settings):
    settings.SANDBOX = False

    with pytest.raises(InvalidConfiguration) as refused:
        change_category(
            NotificationSettings, changes={"base_url": "http://sms.example"}, changed_by=None, reason="r", at=noon
        )

    assert refused.value.errors == {"base_url": ["The key travels over https only."]}
