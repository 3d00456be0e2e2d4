// Africa's Talking's wire format: form-encoded, five fields, the whole history in `text`.

export class UssdSession {
  constructor({ address, serviceCode, phone, networkCode, firstInput }) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    this.address = address;
    this.id = `ATUid_${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
    this.fields = { sessionId: this.id, phoneNumber: phone, networkCode, serviceCode };
    this.history = firstInput ? [firstInput] : [];
    this.hops = 0;
    this.startedAt = Date.now();
    this.lastReply = "";
  }

  get text() {
    return this.history.join("*");
  }

  // One request as the gateway would send it. Resolves to {ok, words, ends, raw, status, ms, body}.
  async post() {
    const body = new URLSearchParams({ ...this.fields, text: this.text });
    const begun = performance.now();
    const response = await fetch(this.address, { method: "POST", body, credentials: "omit", redirect: "error" });
    const raw = await response.text();
    const ms = Math.round(performance.now() - begun);
    const match = /^(CON|END) ([\s\S]*)$/.exec(raw);
    const ok = response.ok && match !== null;
    return { ok, words: ok ? match[2] : "", ends: !ok || match[1] === "END", raw, status: response.status, ms, body };
  }

  // The customer's next input, or null for the first request.
  async turn(input) {
    if (input !== null) this.history.push(input);
    this.hops += 1;
    const answer = await this.post();
    this.lastReply = answer.raw;
    return answer;
  }

  // The gateway's end-of-session event; nothing depends on it arriving.
  announceEnd(address, status) {
    const body = new URLSearchParams({
      ...this.fields,
      date: new Date().toISOString().slice(0, 19).replace("T", " "),
      status,
      cost: "0",
      durationInMillis: String(Date.now() - this.startedAt),
      hopsCount: String(this.hops),
      input: this.text,
      lastAppResponse: this.lastReply,
    });
    fetch(address, { method: "POST", body, credentials: "omit" }).catch(() => {});
  }
}

// `*123*CODE#` is the service code `*123#` with its first input already typed; null for what no service code begins.
export function parseDial(text, codes) {
  if (codes.includes(text)) return { serviceCode: text, firstInput: "" };
  const base = codes.find((code) => text.endsWith("#") && text.startsWith(`${code.slice(0, -1)}*`));
  return base ? { serviceCode: base, firstInput: text.slice(base.length, -1) } : null;
}

// Every other character would turn a screen into UCS-2 and halve its room.
const GSM7 = /^[A-Za-z0-9 \n@£$¥_!"#¤%&'()*+,\-./:;<=>?¡¿§èéùìòàÇØøÅåÄÖÑÜäöñüÆæßÉΔΦΓΛΩΠΨΣΘΞ^{}\\[\]~|€]*$/;
const ROOM = 160;

// How much of a screen the words take, `CON ` included: {label, fits}.
export function measure(words) {
  if (!GSM7.test(words)) return { label: "not GSM-7", fits: false };
  const septets = [...words].reduce((sum, char) => sum + ("^{}\\[]~|€".includes(char) ? 2 : 1), 4);
  return { label: `${septets}/${ROOM}`, fits: septets <= ROOM };
}
