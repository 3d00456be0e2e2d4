"""Days as short as a screen needs them: `20 Dec`. Months are abbreviated as in CLDR, in GSM-7."""

from datetime import date

MONTHS = {
    "en": ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    "rw": ["Mut", "Gas", "Wer", "Mat", "Gic", "Kam", "Nya", "Kan", "Nze", "Ukw", "Ugu", "Uku"],
    "sw": ["Jan", "Feb", "Mac", "Apr", "Mei", "Jun", "Jul", "Ago", "Sep", "Okt", "Nov", "Des"],
    "fr": ["janv", "févr", "mars", "avr", "mai", "juin", "juil", "aout", "sept", "oct", "nov", "déc"],
}


def short_day(day: date, language: str) -> str:
    """Day and month."""
    return f"{day.day} {MONTHS[language][day.month - 1]}"
