// What every part of the page needs: its elements, what the server told it, and small elements made anew.
export const $ = (id) => document.getElementById(id);
export const setup = JSON.parse($("setup").textContent);

// make("li", {className: "empty"}, "words", otherElement)
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

export function clockTime(date) {
  return date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}
