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

// No answer overtakes somebody who is still at the numbers in the cart.
document.addEventListener("input", ({ target }) => {
  const cart = target.closest("#cart");
  if (cart) htmx.trigger(cart, "htmx:abort");
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
