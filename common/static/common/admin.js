"use strict";
// Past the menu, for who has no mouse. An address with # would be taken for one of the theme's tabs.
document.addEventListener("click", (event) => {
    if (!event.target.closest?.(".skip")) return;
    event.preventDefault();
    const page = document.getElementById("content");
    page.tabIndex = -1;
    page.focus();
});

// On a phone each cell of a list says what it is: as a heading does, its first letter large.
document.addEventListener("DOMContentLoaded", () => {
    for (const cell of document.querySelectorAll("#result_list [data-label]")) {
        const said = cell.dataset.label;
        cell.dataset.label = said.charAt(0).toLocaleUpperCase() + said.slice(1);
    }
});

// The search boxes of the library's choices say what is chosen there: they come without a name.
(() => {
    function choiceOf(box) {
        const beside = box.closest(".select2-container")?.previousElementSibling;
        if (beside?.matches("select")) return beside;
        // That of a single choice hangs at the end of the page while it is open.
        return document.querySelector("select + .select2-container--open")?.previousElementSibling;
    }

    function name() {
        for (const box of document.querySelectorAll(".select2-search__field:not([aria-label])")) {
            const label = choiceOf(box)?.labels?.[0];
            if (label) box.setAttribute("aria-label", label.textContent.replace("*", "").trim());
        }
    }

    document.addEventListener("DOMContentLoaded", () => {
        name();
        new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
    });
})();
