// What arrives beside the dialogue: SMS, and codes found under lids.
import { $, clockTime, make, setup } from "./page.js";
import { chosen } from "./dialler.js";

const LOOK_MS = 2000;
const TOAST_MS = 12_000;
let seen = null; // SMS seen so far; null until the first look at this number
let hiding = 0;

export function watchInbox() {
  $("toast").addEventListener("click", hideToast);
  refreshInbox();
  setInterval(refreshInbox, LOOK_MS);
}

// Another phone: its messages are not new.
export function forgetInbox() {
  seen = null;
  hideToast();
  $("inbox").replaceChildren();
  refreshInbox();
}

async function refreshInbox() {
  const { phone } = chosen();
  if (!phone) return;
  try {
    const response = await fetch(`${setup.inbox}?phone=${encodeURIComponent(phone)}`);
    const { messages, error } = await response.json();
    if (phone !== chosen().phone) return;
    $("sms-state").textContent = error ?? "";
    if (!error) showMessages(messages);
  } catch {
    $("sms-state").textContent = "no connection";
  }
}

function showMessages(messages) {
  const items = messages.map(({ message, at }) => make("li", {}, message, make("time", {}, clockTime(new Date(at)))));
  if (!items.length) items.push(make("li", { className: "empty" }, "Nothing yet."));
  $("inbox").replaceChildren(...items);
  // The list is cut at some length, so news are told by the newest message, not by how many there are.
  const newest = messages.length ? `${messages[0].at} ${messages[0].message}` : "";
  if (seen !== null && newest && newest !== seen) showToast(messages[0].message);
  seen = newest;
}

function showToast(words) {
  $("toast-words").textContent = words;
  $("toast").hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(hideToast, TOAST_MS);
}

export function hideToast() {
  $("toast").hidden = true;
}

// `pick(code)` when somebody taps one.
export async function refreshCodes(pick) {
  try {
    const { codes } = await (await fetch(setup.codes)).json();
    const items = codes.map(({ code, amount, batch }) => {
      const button = make("button", { type: "button" }, make("b", {}, code), make("span", {}, `${amount}, ${batch}`));
      button.addEventListener("click", () => pick(code));
      return make("li", {}, button);
    });
    if (!items.length) items.push(make("li", { className: "empty" }, "All used up. Generate more in the back office."));
    $("codes").replaceChildren(...items);
  } catch {
    // What is shown stays; the next turn looks again.
  }
}
