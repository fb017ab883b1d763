"use strict";

// From the item to the number to Enter without a mouse. After the admin's own script, which makes the choice.
django.jQuery(() => {
  const choice = django.jQuery("#id_level");
  const many = document.getElementById("id_quantity");
  choice.on("select2:select", () => many.focus());
  if (choice.val()) many.focus();
  else if (window.matchMedia("(min-width: 768px)").matches) choice.select2("open");
});
