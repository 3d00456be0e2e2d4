// The phone: dialling, the USSD dialogue with its timer, and a network that can misbehave.
import { $, clockTime, make, setup } from "./page.js";
import { UssdSession, measure, parseDial } from "./wire.js";
import { Keypad } from "./keypad.js";
import { chosen, offerChoices } from "./dialler.js";
import { forgetInbox, hideToast, refreshCodes, watchInbox } from "./arrivals.js";

const DELAY_MS = 5000;
const MOST_DIALLED = 60;
const HINTS = {
  none: "It goes through as it should.",
  repeat: "The gateway delivers it twice. Both must get the same words, and money moves once.",
  drop: "It reaches us, the answer is lost. Dial again: you first hear what became of it.",
  delay: `Its answer takes ${DELAY_MS / 1000} seconds longer.`,
};

let session = null;
let deadline = 0;
let dialled = "";

// ---- screen --------------------------------------------------------------------------------------------------
function setDialled(text) {
  dialled = text.slice(0, MOST_DIALLED);
  $("dialled").textContent = dialled;
  for (const id of ["bigclock", "quick"]) $(id).hidden = dialled !== "";
  showIdleHint();
}

function showIdleHint() {
  const nothing = chosen().serviceCodes.length === 0;
  const idle = nothing ? "No gateway has a service code yet." : "Tap, or type and press Call";
  $("idle-hint").textContent = dialled ? "Press Call" : idle;
}

function showServiceCodes() {
  const { serviceCodes } = chosen();
  const buttons = serviceCodes.map(({ code, title }) => {
    const button = make("button", { type: "button" }, make("b", {}, code), make("span", {}, title));
    button.addEventListener("click", () => {
      setDialled(code);
      dial();
    });
    return button;
  });
  $("quick").replaceChildren(...buttons);
  showIdleHint();
}

const typing = {
  dialler: { get: () => dialled, set: setDialled },
  reply: {
    get: () => $("reply").value,
    set: (text) => {
      $("reply").value = text.slice(0, $("reply").maxLength);
      $("reply").scrollLeft = $("reply").scrollWidth;
    },
  },
};

function replying() {
  return !$("dialog").hidden && !$("reply-row").hidden;
}

function activeText() {
  return replying() ? typing.reply : typing.dialler;
}

function showWords(words, ends) {
  $("words").textContent = words;
  $("words").scrollTop = 0;
  $("reply-row").hidden = ends;
  $("send").hidden = ends;
  $("cancel").textContent = ends ? "OK" : "Cancel";
  $("reply").value = "";
  const { label, fits } = measure(words);
  $("count").textContent = label;
  $("count").classList.toggle("over", !fits);
  $("dialog").hidden = false;
  keypad.forget();
  // On a touch screen that would open a second keyboard over ours.
  if (!ends && matchMedia("(pointer: fine)").matches) $("reply").focus();
}

function showWire(address, answer, note) {
  const fields = [...answer.body].map(([name, value]) => `${name}=${value}`);
  const lines = [`POST ${address.replace(/[^/]+\/$/, "…/")}`, ...fields, "", `${answer.status} in ${answer.ms} ms`, answer.raw];
  if (note) lines.push("", note);
  $("wire").textContent = lines.join("\n");
}

// ---- a session -----------------------------------------------------------------------------------------------
async function dial() {
  if (session || !$("busy").hidden) return;
  const { phone, networkCode, address, serviceCodes } = chosen();
  const target = parseDial(dialled.trim(), serviceCodes.map(({ code }) => code));
  if (!target || !phone) {
    showWords(phone ? "Connection problem or invalid MMI code." : "Choose who dials first.", true);
    return;
  }
  hideToast();
  session = new UssdSession({ address, phone, networkCode, ...target });
  deadline = Date.now() + setup.sessionSeconds * 1000;
  await exchange(null);
}

async function exchange(input) {
  const fault = document.querySelector("input[name=fault]:checked").value;
  const current = session;
  $("dialog").hidden = true;
  $("busy").hidden = false;
  tick();
  try {
    const answer = await current.turn(input);
    let note = "";
    if (fault === "repeat") {
      const second = await current.post();
      note = second.raw === answer.raw ? "Delivered twice: the same words came back." : `Delivered twice, DIFFERENT words came back:\n${second.raw}`;
    }
    if (fault === "delay") await new Promise((resolve) => setTimeout(resolve, DELAY_MS));
    showWire(current.address, answer, note);
    if (session === current) show(answer, fault === "drop");
  } catch {
    if (session === current) {
      finish("Failed");
      showWords("Connection problem. The service did not answer.", true);
    }
  } finally {
    if (session === current || session === null) $("busy").hidden = true;
    document.querySelector("input[name=fault][value=none]").checked = true;
    showHint();
    refreshCodes(pickCode);
  }
}

function show(answer, lost) {
  if (lost) {
    finish("Incomplete");
    showWords("Connection lost. Please try again.", true);
  } else if (!answer.ok) {
    finish("Failed");
    showWords("Error performing request. Unknown error.", true);
  } else {
    if (answer.ends) finish("Success");
    showWords(answer.words, answer.ends);
  }
}

function finish(status) {
  if (!session) return;
  session.announceEnd(setup.sessionEvents, status);
  session = null;
  $("timer").textContent = "";
}

function send() {
  if (!session || !replying()) return;
  if ($("reply").value) exchange($("reply").value);
  else $("reply").focus();
}

function hangUp() {
  finish("Incomplete");
  $("dialog").hidden = true;
  $("busy").hidden = true;
  setDialled("");
}

function tick() {
  $("clock").textContent = $("bigclock").textContent = clockTime(new Date());
  if (!session) return;
  const left = Math.max(0, Math.round((deadline - Date.now()) / 1000));
  $("timer").textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  if (left === 0 && $("busy").hidden) {
    finish("Incomplete");
    showWords("Session timed out.", true);
  }
}

// A code from under a lid: into the reply when one is asked for, else into a direct dial such as *123*CODE#.
function pickCode(code) {
  if (replying()) typing.reply.set(code);
  else if (!session) {
    const promo = chosen().serviceCodes.find(({ journey }) => journey === "promo");
    $("dialog").hidden = true;
    setDialled(promo ? `${promo.code.slice(0, -1)}*${code}#` : code);
  }
  $("phone").scrollIntoView({ block: "nearest" });
}

function showHint() {
  $("fault-hint").textContent = HINTS[document.querySelector("input[name=fault]:checked").value];
}

// ---- keys ----------------------------------------------------------------------------------------------------
const keypad = new Keypad($("pad"), activeText);

$("call").addEventListener("click", () => (session ? send() : dial()));
$("send").addEventListener("click", send);
$("hang").addEventListener("click", hangUp);
$("cancel").addEventListener("click", hangUp);
$("erase").addEventListener("click", () => activeText().set(activeText().get().slice(0, -1)));
$("mode").addEventListener("click", () => $("mode").setAttribute("aria-pressed", keypad.toggle()));
for (const radio of document.querySelectorAll("input[name=fault]")) radio.addEventListener("change", showHint);
// Pressing a key leaves the cursor in the reply.
$("phone").addEventListener("mousedown", (event) => {
  if (event.target.closest("button")) event.preventDefault();
});

document.addEventListener("keydown", (event) => {
  const elsewhere = event.target.closest("input, select, button, a, summary");
  if ((elsewhere && elsewhere !== $("reply")) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Enter") {
    event.preventDefault();
    if (session) send();
    else if (!$("dialog").hidden) hangUp();
    else dial();
  } else if (event.key === "Escape") hangUp();
  else if (elsewhere) return; // the reply takes its letters itself
  else if (event.key === "Backspace") activeText().set(activeText().get().slice(0, -1));
  else if (/^[0-9A-Za-z*#+-]$/.test(event.key)) activeText().set(activeText().get() + event.key);
});

offerChoices({
  onNumber: () => {
    hangUp();
    forgetInbox();
  },
  onGateway: () => {
    hangUp();
    showServiceCodes();
  },
});
showServiceCodes();
setDialled("");
showHint();
watchInbox();
refreshCodes(pickCode);
tick();
setInterval(tick, 1000);
