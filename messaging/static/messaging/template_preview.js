"use strict";

// Shows what the template becomes while it is typed. Without this, the page's button does the same.
document.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("template-preview");
  const form = place && place.closest("form");
  if (!form || !form.elements.body) {
    return;
  }
  const button = document.querySelector(".preview-row");
  if (button) {
    button.hidden = true;
  }
  let waiting = null;
  let asked = null;

  async function show() {
    if (asked) {
      asked.abort();
    }
    asked = new AbortController();
    const given = new URLSearchParams(new FormData(form));
    given.set("template", place.dataset.template);
    try {
      const answer = await fetch(place.dataset.address, {
        method: "POST",
        body: given,
        signal: asked.signal,
        redirect: "error", // to the sign-in page, when the session has ended
      });
      if (!answer.ok) {
        throw new Error(String(answer.status));
      }
      place.innerHTML = await answer.text();
      place.classList.remove("stale");
    } catch (error) {
      // An old preview stays marked as old; a newer question will be answered by itself.
    }
  }

  form.addEventListener("input", () => {
    place.classList.add("stale");
    clearTimeout(waiting);
    waiting = setTimeout(show, 300);
  });
});
