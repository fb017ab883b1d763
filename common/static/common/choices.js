// The library's search box among several choices has no name that a screen reader could say.
window.addEventListener("load", () => {
  for (const box of document.querySelectorAll(".select2-search__field")) {
    const choices = box.closest(".select2-container").parentElement.querySelector("select");
    const label = choices && document.querySelector(`label[for="${choices.id}"]`);
    if (label) box.setAttribute("aria-label", label.textContent.trim());
  }
});
