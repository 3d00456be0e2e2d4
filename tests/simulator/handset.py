"""The phone in the browser, for tests: presses keys, reads the screen."""

from dataclasses import dataclass

from playwright.sync_api import Locator, Page

from tests.simulator.browser import Watched

# A second press of the same key within this time changes the letter instead of adding one.
NEXT_LETTER_MS = 950
LETTERS = {"2": "ABC", "3": "DEF", "4": "GHI", "5": "JKL", "6": "MNO", "7": "PQRS", "8": "TUV", "9": "WXYZ"}
ALINE, ERIC, DIANE = "+250788123456", "+250788765432", "+250791234567"
_HOLD_CLOCK = """() => {
  const now = Date.now;
  let at = now();
  Date.now = () => at;
  window.letPass = (milliseconds) => { at += milliseconds; };
  window.letGo = () => { Date.now = now; };
}"""


@dataclass
class Phone:
    """Used like a handset; words and inbox are what a person reads there."""

    watched: Watched

    @classmethod
    def at(cls, watched: Watched, url: str, *, person: str = ALINE) -> "Phone":
        """The page opened, this person chosen."""
        watched.page.goto(f"{url}/simulator/")
        phone = cls(watched)
        phone.page.select_option("#person", person)
        phone.codes.first.wait_for()
        return phone

    @property
    def page(self) -> Page:
        return self.watched.page

    @property
    def codes(self) -> Locator:
        """Codes under lids."""
        return self.page.locator("#codes button")

    @property
    def words(self) -> str:
        """What the dialog says, once the turn is over."""
        self.page.wait_for_selector("#busy", state="hidden")
        self.page.wait_for_selector("#dialog")
        return self.page.inner_text("#words")

    @property
    def timer(self) -> str:
        return self.page.inner_text("#timer")

    def press(self, keys: str) -> None:
        """Keys of the pad, as digits."""
        for key in keys:
            self.page.locator("#pad .key", has=self.page.locator(f"b:text-is('{key}')")).click()

    def press_letters(self, text: str) -> None:
        """Letters and digits in letter mode, as on a phone with keys: 2 2 is B, 2 2 2 2 is 2.

        The page's clock stands between presses, so that they are as quick as a thumb's on any machine.
        """
        self.page.evaluate(_HOLD_CLOCK)
        self.page.click("#mode")
        previous = ""
        for character in text:
            key = next((key for key, letters in LETTERS.items() if character in letters + key), character)
            if key == previous:
                self.page.evaluate("milliseconds => letPass(milliseconds)", NEXT_LETTER_MS)
            self.press(key * ((LETTERS.get(key, "") + key).index(character) + 1))
            previous = key
        self.page.click("#mode")
        self.page.evaluate("letGo()")

    def dial(self, code: str) -> str:
        """Type a code on the pad and call."""
        self.press(code)
        self.page.click("#call")
        return self.words

    def reply(self, text: str) -> str:
        """Type an answer with the keyboard and send it."""
        self.page.fill("#reply", text)
        self.page.keyboard.press("Enter")
        return self.words

    def in_english(self, code: str = "*123#") -> str:
        """Dial; a customer of the demo is asked for the language the first time."""
        assert self.dial(code) == CHOOSE_LANGUAGE
        return self.reply("1")

    def network(self, fault: str) -> None:
        """What happens to the next turn: none, repeat, drop, delay."""
        self.page.locator(f"input[name=fault][value={fault}]").check(force=True)

    def first_code(self) -> str:
        return self.codes.first.locator("b").inner_text()

    def wait_for_sms(self) -> str:
        """The words of the message that announces itself on the screen."""
        self.page.wait_for_selector("#toast:not([hidden])")
        return self.page.inner_text("#toast-words")

    def inbox(self) -> list[str]:
        """Messages, newest first, without their times."""
        return [text.split("\n")[0] for text in self.page.locator("#inbox li").all_inner_texts()]


CHOOSE_LANGUAGE = "Choose your language:\n1 English\n2 Ikinyarwanda\n3 Kiswahili\n4 Francais"
PROMPT = "Welcome to Starhash.\nEnter your promo code:"


def accepted(phone: str) -> str:
    """The words of a code that pays."""
    return f"Code accepted. RWF 500 is being sent to {phone}. You will get an SMS."
