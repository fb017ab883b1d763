"use strict";
// The page does all of this without the script, a little slower.
(() => {
    const AFTER = 5 * 60 * 1000;
    const place = "day-place:" + location.pathname;
    const opened = Date.now();

    for (const form of document.querySelectorAll("form.at-once")) {
        form.addEventListener("change", () => form.requestSubmit());
    }

    // A second click in the same moment does nothing.
    document.addEventListener("submit", (event) => {
        if (event.target.method !== "post") return;
        if (event.target.dataset.sent) {
            event.preventDefault();
            return;
        }
        event.target.dataset.sent = "yes";
        sessionStorage.setItem(place, String(scrollY));
    });
    addEventListener("pageshow", () => {
        for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
    });

    // Back where the click was.
    const before = sessionStorage.getItem(place);
    sessionStorage.removeItem(place);
    if (before) scrollTo(0, Number(before));

    for (const undo of document.querySelectorAll(".undo")) {
        setTimeout(() => undo.remove(), Number(undo.dataset.seconds) * 1000);
    }

    // What was left open over night is looked at anew.
    document.addEventListener("visibilitychange", () => {
        if (document.visibilityState === "visible" && Date.now() - opened > AFTER) location.reload();
    });
})();
