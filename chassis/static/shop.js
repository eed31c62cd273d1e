// An enhancement only: without this file every page works by plain links and forms.
"use strict";

// What htmx could not do quietly, the browser does plainly, and shows what the shop has to say; who asks every few
// seconds waits for the next time.
for (const failure of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(failure, ({ target, detail }) => {
    if (target.closest('[hx-trigger^="every"]')) return;
    const form = target.closest("form");
    if (form && detail.requestConfig.verb !== "get") form.submit();
    else location.reload();
  });
}

// A form that is on its way is not sent again by a second click.
document.addEventListener("submit", ({ submitter, defaultPrevented }) => {
  if (!submitter || defaultPrevented) return;
  setTimeout(() => { submitter.disabled = true; });
  addEventListener("pageshow", () => { submitter.disabled = false; }, { once: true });
});

// A menu closes when one clicks or tabs away from it.
for (const event of ["click", "focusin"]) {
  document.addEventListener(event, ({ target }) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(target)) menu.open = false;
    }
  });
}

// Escape closes it as well, and leads back to what opened it.
document.addEventListener("keydown", ({ key }) => {
  const menu = key === "Escape" && document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// The cart's changes are sent one after the other. A number that cannot be sent is the customer's and the browser's own
// affair, and holds nothing up.
const numbers = () => [...document.querySelectorAll("#cart input[type=number]")];
const isTyped = ({ value, defaultValue }) => value !== defaultValue;
const isUnsent = (number) => isTyped(number) && number.validity.valid;
const isAnyWaiting = () => document.querySelector("#cart .waiting:valid") !== null;
const isUnderWay = () => numbers().some(isUnsent) || isAnyWaiting() || document.querySelector("#cart .htmx-request");
document.addEventListener("submit", ({ target }) => { target.classList.add("waiting"); }, true);
document.addEventListener("htmx:beforeRequest", ({ target }) => {
  target.classList.remove("waiting");
  for (const number of target.closest("#cart li")?.querySelectorAll("input[type=number]") ?? []) {
    number.defaultValue = number.value;
  }
});

// Whatever is pressed, the numbers go first; nobody leaves before the shop knows them, or checks out with one that it
// cannot be told. Who opens another tab does not leave.
let onward = null;
document.addEventListener("input", () => { onward = null; });
document.addEventListener("click", (event) => {
  onward = null;
  const pressed = event.target.closest("a, button");
  if (!pressed) return;
  const typed = numbers().filter(isTyped);
  for (const { form } of typed) if (form !== pressed.form) form.requestSubmit();
  if (pressed.id === "check-out" && typed.some(({ validity }) => !validity.valid)) event.preventDefault();
  else if (!pressed.closest("#cart form") && isUnderWay() && !(event.ctrlKey || event.metaKey || event.shiftKey)) {
    event.preventDefault();
    onward = pressed;
  }
}, true);
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (!detail.successful) onward = null;
  if (isUnderWay()) return;
  onward?.click();
  onward = null;
});

// Each answer shows the whole cart, but must not take forms away that wait for their turn. What was typed since is put
// back, and sent if it can be; whose number the shop has refused stays to read why.
let before = [];
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target.id !== "cart") return;
  before = numbers();
  detail.shouldSwap &&= !isAnyWaiting();
});
document.addEventListener("htmx:afterSettle", () => {
  for (const old of before) {
    const number = document.getElementById(old.id);
    if (!number || number.value === old.value) continue;
    if (isTyped(old)) number.value = old.value;
    else onward = null;
    if (isUnsent(number)) number.form.requestSubmit();
  }
  before = [];
});

// Whose place has gone with what was swapped, as the line that was removed, goes on at the heading.
let left = false;
document.addEventListener("htmx:beforeSwap", ({ detail }) => { left = detail.target.contains(document.activeElement); });
document.addEventListener("htmx:afterSwap", () => {
  if (!left || document.activeElement !== document.body) return;
  const heading = document.querySelector("h1");
  heading.tabIndex = -1;
  heading.focus();
});
