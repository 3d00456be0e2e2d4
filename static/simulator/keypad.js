// A telephone keypad with multi-tap letters, as on the phones our customers hold.
"use strict";

const KEYS = [
  ["1", ""], ["2", "ABC"], ["3", "DEF"],
  ["4", "GHI"], ["5", "JKL"], ["6", "MNO"],
  ["7", "PQRS"], ["8", "TUV"], ["9", "WXYZ"],
  ["*", ""], ["0", "+"], ["#", ""],
];
const TAP_MS = 900;

class Keypad {
  // `target()` gives {get, set} of the text being typed.
  constructor(element, target) {
    this.target = target;
    this.letters = false;
    this.last = { key: "", at: 0, index: 0 };
    for (const [digit, letters] of KEYS) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "key";
      button.innerHTML = `<b>${digit}</b><i>${letters}</i>`;
      button.addEventListener("click", () => this.press(digit, letters));
      element.append(button);
    }
  }

  press(digit, letters) {
    const text = this.target();
    if (!this.letters || !letters || digit === "0") {
      text.set(text.get() + digit);
      this.last = { key: "", at: 0, index: 0 };
      return;
    }
    const choices = letters + digit;
    const again = this.last.key === digit && Date.now() - this.last.at < TAP_MS;
    const index = again ? (this.last.index + 1) % choices.length : 0;
    text.set((again ? text.get().slice(0, -1) : text.get()) + choices[index]);
    this.last = { key: digit, at: Date.now(), index };
  }

  toggle() {
    this.letters = !this.letters;
    this.last = { key: "", at: 0, index: 0 };
    return this.letters;
  }
}
