"use strict";
// Asks for the form again without leaving the page. Without the script its buttons do the same.
(() => {
    const TYPED = 400;
    // Long enough for the click that took the cursor out of a field.
    const CHANGED = 200;
    let form = document.querySelector("form.booking");
    let asked = 0;
    let waits;
    let pressed = false;

    function set(name, value) {
        const field = form.elements[name];
        if (field && "value" in field) field.value = value;
    }

    // At once, so that whatever is asked next knows of it too.
    function fillIn(name, value) {
        if (name === "choose") set("patient", value);
        if (name === "again") set("patient", "");
        if (name === "to_day") {
            set("starts_at_0", value);
            set("starts_at_1", "");
        }
        if (name === "slot") {
            const [day, clock] = value.split("T");
            set("starts_at_0", day);
            set("starts_at_1", clock);
        }
    }

    async function ask(name, value) {
        const turn = ++asked;
        clearTimeout(waits);
        fillIn(name, value);
        const given = new FormData(form);
        given.set(name, value);
        const focused = document.activeElement?.id;
        let page;
        try {
            const answer = await fetch(form.action, { method: "POST", body: given, redirect: "error" });
            if (!answer.ok) throw new Error(String(answer.status));
            page = new DOMParser().parseFromString(await answer.text(), "text/html");
        } catch {
            if (turn !== asked) return;
            // The page is asked for as a whole: whatever went wrong is said there.
            const button = document.createElement("button");
            Object.assign(button, { name, value, hidden: true });
            button.dataset.whole = "yes";
            form.append(button);
            form.requestSubmit(button);
            return;
        }
        const fresh = page.querySelector("form.booking");
        // A button must not go away under the finger.
        while (pressed) await new Promise((done) => setTimeout(done, 50));
        // Somebody typed on meanwhile: a later answer is under way.
        if (turn !== asked || !fresh) return;
        const meanwhile = [...new FormData(form)].filter(([field, now]) => given.get(field) !== now);
        form.replaceWith(fresh);
        form = fresh;
        for (const [field, now] of meanwhile) set(field, now);
        const back = focused && document.getElementById(focused);
        if (!back) return;
        back.focus({ preventScroll: true });
        if (back.id === "id_who") back.setSelectionRange(back.value.length, back.value.length);
    }

    document.addEventListener("submit", (event) => {
        const button = event.submitter;
        if (event.target !== form || !button) return;
        if (button.dataset.whole) return;
        if (button.classList.contains("save")) {
            if (form.dataset.sent) event.preventDefault();
            form.dataset.sent = "yes";
            asked += 1;
            clearTimeout(waits);
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
        clearTimeout(waits);
        waits = setTimeout(() => ask("look", "1"), CHANGED);
    });

    document.addEventListener("pointerdown", () => (pressed = true));
    for (const end of ["pointerup", "pointercancel"]) {
        document.addEventListener(end, () => setTimeout(() => (pressed = false)));
    }
})();
