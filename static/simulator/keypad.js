// A telephone keypad with multi-tap letters, as on the phones our customers hold.
import { make } from "./page.js";

const KEYS = [
  ["1", ""], ["2", "ABC"], ["3", "DEF"],
  ["4", "GHI"], ["5", "JKL"], ["6", "MNO"],
  ["7", "PQRS"], ["8", "TUV"], ["9", "WXYZ"],
  ["*", ""], ["0", ""], ["#", ""],
];
const TAP_MS = 900;

export class Keypad {
  // `target()` gives {get, set} of the text being typed.
  constructor(element, target) {
    this.target = target;
    this.letters = false;
    this.forget();
    for (const [digit, letters] of KEYS) {
      const key = make("button", { type: "button", className: "key" }, make("b", {}, digit), make("i", {}, letters));
      key.addEventListener("click", () => this.press(digit, letters));
      element.append(key);
    }
  }

  // The next press of the same key begins a new letter.
  forget() {
    this.last = { digit: "", at: 0, index: 0 };
  }

  press(digit, letters) {
    const text = this.target();
    if (!this.letters || !letters) {
      text.set(text.get() + digit);
      this.forget();
      return;
    }
    // The digit itself comes after its letters: 2 2 2 2 is "2".
    const choices = letters + digit;
    const again = this.last.digit === digit && Date.now() - this.last.at < TAP_MS;
    const index = again ? (this.last.index + 1) % choices.length : 0;
    text.set((again ? text.get().slice(0, -1) : text.get()) + choices[index]);
    this.last = { digit, at: Date.now(), index };
  }

  // Switches between digits and letters; whether letters are on now.
  toggle() {
    this.letters = !this.letters;
    this.forget();
    return this.letters;
  }
}
