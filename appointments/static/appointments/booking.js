"use strict";
// Asks for the form again without leaving the page. Without the script its buttons do the same.
(() => {
    const TYPED = 400;
    let form = document.querySelector("form.booking");
    let asked = 0;
    let waits;

    async function ask(name, value) {
        const turn = ++asked;
        const given = new FormData(form);
        given.set(name, value);
        const focused = document.activeElement && document.activeElement.id;
        let page;
        try {
            const answer = await fetch(form.action, { method: "POST", body: given, redirect: "error" });
            if (!answer.ok) throw new Error(String(answer.status));
            page = new DOMParser().parseFromString(await answer.text(), "text/html");
        } catch {
            // The page is asked for as a whole: whatever went wrong is said there.
            const button = document.createElement("button");
            Object.assign(button, { name, value, hidden: true });
            button.dataset.whole = "yes";
            form.append(button);
            form.requestSubmit(button);
            return;
        }
        const fresh = page.querySelector("form.booking");
        // Somebody typed on meanwhile: a later answer is under way.
        if (turn !== asked || !fresh) return;
        const typed = document.getElementById("id_who");
        const words = typed && typed === document.activeElement ? typed.value : null;
        form.replaceWith(fresh);
        form = fresh;
        const back = focused && document.getElementById(focused);
        if (back) back.focus({ preventScroll: true });
        if (back && words !== null && back.id === "id_who") {
            back.value = words;
            back.setSelectionRange(words.length, words.length);
        }
    }

    document.addEventListener("submit", (event) => {
        const button = event.submitter;
        if (event.target !== form || !button) return;
        if (button.dataset.whole) return;
        if (button.classList.contains("save")) {
            if (form.dataset.sent) event.preventDefault();
            form.dataset.sent = "yes";
            return;
        }
        event.preventDefault();
        ask(button.name, button.value);
    });
    addEventListener("pageshow", () => delete form.dataset.sent);

    document.addEventListener("input", (event) => {
        if (event.target.id !== "id_who") return;
        clearTimeout(waits);
        waits = setTimeout(() => ask("find", "1"), TYPED);
    });
    document.addEventListener("change", (event) => {
        if (!form.contains(event.target) || event.target.id === "id_who") return;
        if (event.target.id === "id_starts_at_0" && !event.target.value) return;
        ask("look", "1");
    });
})();
