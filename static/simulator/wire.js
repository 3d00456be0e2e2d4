// Africa's Talking's wire format: form-encoded, five fields, the whole history in `text`.
"use strict";

class UssdSession {
  constructor({ address, serviceCode, phone, networkCode, firstInput }) {
    this.address = address;
    this.id = "ATUid_" + [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
    this.fields = { sessionId: this.id, phoneNumber: phone, networkCode, serviceCode };
    this.history = firstInput ? [firstInput] : [];
    this.hops = 0;
    this.startedAt = Date.now();
    this.lastReply = "";
  }

  get text() {
    return this.history.join("*");
  }

  // One request as the gateway would send it. Resolves to {ok, words, ends, raw, status, ms}.
  async post() {
    const body = new URLSearchParams({ ...this.fields, text: this.text });
    const begun = performance.now();
    const response = await fetch(this.address, { method: "POST", body, credentials: "omit", redirect: "error" });
    const raw = await response.text();
    const ms = Math.round(performance.now() - begun);
    const match = /^(CON|END) ([\s\S]*)$/.exec(raw);
    const fine = response.ok && match !== null;
    return { ok: fine, words: fine ? match[2] : "", ends: !fine || match[1] === "END", raw, status: response.status, ms, body };
  }

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

// Characters that would turn a screen into UCS-2 and halve its room.
const GSM7 = /^[A-Za-z0-9 \n@£$¥_!"#¤%&'()*+,\-./:;<=>?¡¿§èéùìòàÇØøÅåÄÖÑÜäöñüÆæßÉΔΦΓΛΩΠΨΣΘΞ^{}\\[\]~|€]*$/;

function septets(text) {
  return [...text].reduce((sum, char) => sum + ("^{}\\[]~|€".includes(char) ? 2 : 1), 0);
}
