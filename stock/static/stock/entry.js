"use strict";

// A second click or Enter while the first is on its way. The server writes one entry of a form anyway.
function sendOnce(form) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}

// What packs and loose units come to, while they are typed.
function showSum(output) {
  const { packs, quantity } = output.closest("form").elements;
  const said = output.textContent;
  const show = () => {
    const sum = Number(packs.value) * Number(output.dataset.pack) + Number(quantity.value);
    const shown = packs.value && packs.offsetParent !== null && Number.isSafeInteger(sum);
    output.textContent = shown ? output.dataset.words.replace("#", sum.toLocaleString("en")) : said;
  };
  output.closest("form").addEventListener("input", show);
  show();
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("form.once").forEach(sendOnce);
  document.querySelectorAll("output[data-pack]").forEach(showSum);
});

// The browser may bring a page back as it was left.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form.once")) delete form.dataset.sent;
});
