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

// The cart's changes are sent one after the other: numbers that are not sent as they stand, and forms that wait for
// their turn, must not be swapped away.
function unsent() {
  const numbers = document.querySelectorAll("#cart input[type=number]");
  return [...numbers].filter(({ value, defaultValue }) => value !== defaultValue);
}
const waits = () => unsent().length > 0 || document.querySelector("#cart .waiting") !== null;
document.addEventListener("submit", ({ target }) => { target.classList.add("waiting"); }, true);
document.addEventListener("htmx:beforeRequest", ({ target }) => {
  target.classList.remove("waiting");
  for (const number of target.closest("#cart li")?.querySelectorAll("input[type=number]") ?? []) {
    number.defaultValue = number.value;
  }
});

// Whatever is pressed, the numbers go first; and nobody checks out before the shop knows them.
document.addEventListener("click", (event) => {
  const pressed = event.target.closest("a, button");
  if (!pressed) return;
  for (const { form } of unsent()) if (form !== pressed.form) form.requestSubmit();
  if (pressed.id !== "check-out" || !(waits() || document.querySelector("#cart .htmx-request"))) return;
  event.preventDefault();
  document.addEventListener("htmx:afterSwap", () => location.assign(pressed.href), { once: true });
}, true);

// No answer overtakes what is still to be sent, for the next one shows all; a number that is put back as it was is sent
// for the sake of that answer.
let missed = false;
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target.id !== "cart") return;
  missed = waits();
  detail.shouldSwap &&= !missed;
});
document.addEventListener("focusout", ({ target }) => {
  if (missed && target.closest("#cart input")) target.form.requestSubmit();
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
