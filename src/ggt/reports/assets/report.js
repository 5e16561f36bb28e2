// Before/after sliders and trust maps. A classic script: pages opened from a disk may not load modules.
"use strict";

for (const compare of document.querySelectorAll("[data-compare]")) {
  const range = compare.querySelector("input[type=range]");
  const show = () => compare.style.setProperty("--split", `${range.value}%`);
  range.addEventListener("input", show);
  show();
}

for (const box of document.querySelectorAll("[data-trust]")) {
  const trust = box.closest("figure").querySelector(".trust");
  box.addEventListener("change", () => { trust.hidden = !box.checked; });
}

document.body.dataset.state = "ready";
