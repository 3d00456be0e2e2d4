// The phone: dialler, USSD dialog, timer, inbox, and a network that can misbehave.
"use strict";

const setup = JSON.parse(document.getElementById("setup").textContent);
const $ = (id) => document.getElementById(id);
const DELAY_MS = 5000;
const INBOX_MS = 2000;
const HINTS = {
  none: "The next turn goes through as it should.",
  repeat: "The next turn is delivered twice; both must get the same words, and money moves once.",
  drop: "The next turn reaches the bank, its answer is lost. Dial again: you first hear what became of it.",
  delay: `The next answer takes ${DELAY_MS / 1000} seconds longer.`,
};

let session = null;
let deadline = 0;
let dialled = "";
let known = null; // SMS seen so far; null until the first look

// ---- choices -------------------------------------------------------------------------------------------------
function option(value, label) {
  const element = document.createElement("option");
  element.value = value;
  element.textContent = label;
  return element;
}

function chosenGateway() {
  return setup.gateways.find((gateway) => gateway.slug === $("gateway").value);
}

function showPerson() {
  const person = setup.people[$("person").selectedIndex];
  $("number").value = person.phone;
  $("about").textContent = person.about;
  $("network").value = person.networkCode;
  numberChanged();
}

function numberChanged() {
  known = null;
  $("inbox").replaceChildren();
  $("operator").textContent = $("network").selectedOptions[0]?.textContent ?? "";
  refreshInbox();
}

function showServiceCodes() {
  const chips = Object.entries(chosenGateway()?.serviceCodes ?? {}).map(([code, journey]) => {
    const chip = document.createElement("button");
    chip.type = "button";
    chip.className = "chip";
    chip.innerHTML = `<b></b><span></span>`;
    chip.querySelector("b").textContent = code;
    chip.querySelector("span").textContent = journey;
    chip.addEventListener("click", () => {
      if (session) return;
      setDialled(code);
      dial();
    });
    return chip;
  });
  $("service-codes").replaceChildren(...chips);
  const codes = Object.keys(chosenGateway()?.serviceCodes ?? {});
  $("home-hint").textContent = codes.length ? `Dial ${codes.join(" or ")} and press Call` : "No gateway has a service code yet";
}

// ---- screen --------------------------------------------------------------------------------------------------
function setDialled(text) {
  dialled = text.slice(0, 60);
  $("dialled").textContent = dialled;
  $("home-hint").hidden = dialled !== "";
}

const typing = {
  dialler: { get: () => dialled, set: setDialled },
  reply: {
    get: () => $("reply").value,
    set: (text) => {
      $("reply").value = text.slice(0, 80);
    },
  },
};

function activeText() {
  return $("dialog").hidden || $("reply-row").hidden ? typing.dialler : typing.reply;
}

function showWords(words, ends) {
  $("words").textContent = words;
  $("reply-row").hidden = ends;
  $("send").hidden = ends;
  $("cancel").textContent = ends ? "OK" : "Cancel";
  $("reply").value = "";
  const length = septets(words) + 4;
  $("count").textContent = GSM7.test(words) ? `${length}/160` : "not GSM-7";
  $("count").classList.toggle("over", length > 160 || !GSM7.test(words));
  $("dialog").hidden = false;
  if (!ends && matchMedia("(pointer: fine)").matches) $("reply").focus();
}

function showWire(answer, note) {
  $("wire").textContent = `POST ${session.address.replace(/[^/]+\/$/, "…/")}\n${[...answer.body].map(([k, v]) => `${k}=${v}`).join("\n")}\n\n${answer.status} in ${answer.ms} ms\n${answer.raw}${note ? `\n\n${note}` : ""}`;
}

// ---- a session -----------------------------------------------------------------------------------------------
// `*123*CODE#` is the service code `*123#` with its first input already typed.
function parseDial(text) {
  const codes = Object.keys(chosenGateway()?.serviceCodes ?? {});
  if (codes.includes(text)) return { serviceCode: text, firstInput: "" };
  const base = codes.find((code) => text.endsWith("#") && text.startsWith(`${code.slice(0, -1)}*`));
  return base ? { serviceCode: base, firstInput: text.slice(base.length, -1) } : null;
}

async function dial() {
  if (session) return;
  const target = parseDial(dialled.trim());
  if (!target) {
    showWords("Connection problem or invalid MMI code.", true);
    return;
  }
  session = new UssdSession({
    address: chosenGateway().address,
    phone: $("number").value.trim(),
    networkCode: $("network").value,
    ...target,
  });
  deadline = Date.now() + setup.sessionSeconds * 1000;
  await exchange(null);
}

async function exchange(input) {
  const fault = document.querySelector("input[name=fault]:checked").value;
  $("dialog").hidden = true;
  $("busy").hidden = false;
  const current = session;
  try {
    const answer = await current.turn(input);
    let note = "";
    if (fault === "repeat") {
      const second = await current.post();
      note = second.raw === answer.raw ? "Delivered twice: the same words came back." : `Delivered twice, and DIFFERENT words came back:\n${second.raw}`;
    }
    if (fault === "delay") await new Promise((resolve) => setTimeout(resolve, DELAY_MS));
    showWire(answer, note);
    if (session !== current) return;
    if (fault === "drop") {
      finish("Incomplete");
      showWords("Connection lost. Please try again.", true);
    } else if (!answer.ok) {
      finish("Failed");
      showWords("Error performing request. Unknown error.", true);
    } else {
      if (answer.ends) finish("Success");
      showWords(answer.words, answer.ends);
    }
  } catch {
    if (session === current) finish("Failed");
    showWords("Connection problem. The service did not answer.", true);
  } finally {
    $("busy").hidden = true;
    document.querySelector("input[name=fault][value=none]").checked = true;
    $("fault-hint").textContent = HINTS.none;
    refreshCodes();
  }
}

function finish(status) {
  if (!session) return;
  session.announceEnd(setup.sessionEvents, status);
  session = null;
  $("timer").textContent = "";
}

function send() {
  if (!session || $("reply-row").hidden) return;
  exchange($("reply").value);
}

function hangUp() {
  finish("Incomplete");
  $("dialog").hidden = true;
  setDialled("");
}

function tick() {
  $("clock").textContent = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  if (!session) return;
  const left = Math.max(0, Math.round((deadline - Date.now()) / 1000));
  $("timer").textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  if (left === 0 && $("busy").hidden) {
    finish("Incomplete");
    showWords("Session timed out.", true);
  }
}

// ---- what arrives --------------------------------------------------------------------------------------------
async function refreshInbox() {
  const phone = $("number").value.trim();
  try {
    const response = await fetch(`${setup.inbox}?phone=${encodeURIComponent(phone)}`);
    const { messages, error } = await response.json();
    if (phone !== $("number").value.trim()) return;
    $("sms-state").textContent = error ?? "";
    const items = messages.map((sms) => {
      const item = document.createElement("li");
      const time = document.createElement("time");
      time.textContent = new Date(sms.at).toLocaleTimeString();
      item.append(sms.message, time);
      return item;
    });
    if (items.length) $("inbox").replaceChildren(...items);
    else $("inbox").innerHTML = `<li class="empty">No messages yet</li>`;
    if (known !== null && messages.length > known) toast(messages[0].message);
    known = messages.length;
  } catch {
    $("sms-state").textContent = "no connection";
  }
}

function toast(words) {
  $("toast").textContent = words;
  $("toast").hidden = false;
}

async function refreshCodes() {
  try {
    const { codes } = await (await fetch(setup.codes)).json();
    const items = codes.map((code) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.title = "Type this code";
      button.innerHTML = `<b></b><span></span>`;
      button.querySelector("b").textContent = code.code;
      button.querySelector("span").textContent = `${code.amount} · ${code.batch}`;
      button.addEventListener("click", () => activeText().set(activeText() === typing.reply ? code.code : `${dialled.replace(/#?$/, "")}${code.code}`));
      item.append(button);
      return item;
    });
    if (items.length) $("codes").replaceChildren(...items);
    else $("codes").innerHTML = `<li class="empty">No unused codes. Generate some in the back office.</li>`;
  } catch {
    /* shown again at the next look */
  }
}

// ---- wiring --------------------------------------------------------------------------------------------------
$("person").append(...setup.people.map((person) => option(person.phone, person.phone)));
$("network").append(...Object.entries(setup.networks).map(([code, name]) => option(code, name)));
$("gateway").append(...setup.gateways.map((gateway) => option(gateway.slug, gateway.name)));
$("person").addEventListener("change", showPerson);
$("number").addEventListener("change", numberChanged);
$("network").addEventListener("change", numberChanged);
$("gateway").addEventListener("change", showServiceCodes);
$("call").addEventListener("click", () => (session ? send() : dial()));
$("send").addEventListener("click", send);
$("hang").addEventListener("click", hangUp);
$("cancel").addEventListener("click", hangUp);
$("toast").addEventListener("click", () => ($("toast").hidden = true));
$("erase").addEventListener("click", () => activeText().set(activeText().get().slice(0, -1)));
for (const radio of document.querySelectorAll("input[name=fault]"))
  radio.addEventListener("change", () => ($("fault-hint").textContent = HINTS[radio.value]));

const keypad = new Keypad($("pad"), activeText);
$("mode").addEventListener("click", () => ($("mode").textContent = keypad.toggle() ? "ABC" : "123"));
document.addEventListener("keydown", (event) => {
  if (["INPUT", "SELECT"].includes(event.target.tagName) && event.target.id !== "reply") return;
  if (event.key === "Enter") {
    event.preventDefault();
    if (session) send();
    else if (!$("dialog").hidden) hangUp();
    else dial();
  } else if (event.key === "Escape") hangUp();
  else if (event.target.id !== "reply" && /^[0-9A-Za-z*#+-]$/.test(event.key) && !event.ctrlKey && !event.metaKey)
    activeText().set(activeText().get() + event.key);
  else if (event.target.id !== "reply" && event.key === "Backspace") activeText().set(activeText().get().slice(0, -1));
});

showServiceCodes();
showPerson();
refreshCodes();
tick();
setInterval(tick, 1000);
setInterval(refreshInbox, INBOX_MS);
