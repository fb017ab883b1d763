"use strict";

// A second click or Enter while the first is on its way. The server writes one entry of a form anyway.
for (const form of document.querySelectorAll("form.once")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}
// The browser may bring a page back as it was left.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form.once")) delete form.dataset.sent;
});

for (const output of document.querySelectorAll("output[data-pack]")) {
  const form = output.closest("form");
  const said = output.textContent;
  const show = () => {
    const packs = form.elements.packs.value;
    const loose = form.elements.quantity.value;
    const shown = packs && form.elements.packs.offsetParent !== null;
    const sum = Number(packs) * Number(output.dataset.pack) + Number(loose);
    output.textContent = shown && Number.isSafeInteger(sum)
      ? output.dataset.words.replace("#", sum.toLocaleString("en"))
      : said;
  };
  form.addEventListener("input", show);
  show();
}
