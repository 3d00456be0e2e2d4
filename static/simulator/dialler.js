// Who dials and through what: person, number, network, gateway.
import { $, make, setup } from "./page.js";

const SOMEBODY_ELSE = "";

export function chosen() {
  const gateway = setup.gateways.find(({ slug }) => slug === $("gateway").value);
  return {
    phone: $("number").value.trim(),
    networkCode: $("network").value,
    address: gateway?.address,
    serviceCodes: gateway?.serviceCodes ?? [],
  };
}

// `onNumber` after every change of who dials, `onGateway` after one of the gateway.
export function offerChoices({ onNumber, onGateway }) {
  const option = (value, label) => make("option", { value }, label);
  $("person").append(...setup.people.map(({ phone, name }) => option(phone, `${name} ${phone}`)));
  $("person").append(option(SOMEBODY_ELSE, "Another number"));
  $("network").append(...Object.entries(setup.networks).map(([code, name]) => option(code, name)));
  $("gateway").append(...setup.gateways.map(({ slug, name }) => option(slug, name)));

  $("person").addEventListener("change", () => {
    $("number").value = $("person").value;
    showStory();
    onNumber();
    if (!$("number").value) $("number").focus();
  });
  $("number").addEventListener("change", () => {
    const known = setup.people.some(({ phone }) => phone === $("number").value.trim());
    $("person").value = known ? $("number").value.trim() : SOMEBODY_ELSE;
    showStory();
    onNumber();
  });
  $("network").addEventListener("change", showOperator);
  $("gateway").addEventListener("change", onGateway);

  $("number").value = $("person").value;
  showStory();
}

function showStory() {
  const person = setup.people.find(({ phone }) => phone === $("person").value);
  $("story").textContent = person ? `${person.name}: ${person.story}.` : "Any mobile number of the gateway's country.";
  if (person) $("network").value = person.networkCode;
  showOperator();
}

function showOperator() {
  $("operator").textContent = $("network").selectedOptions[0]?.textContent ?? "";
}
