"use strict";

// The overview: rows that match the filter.
const filter = document.getElementById("filter");
const incomplete = document.getElementById("incomplete");

function choose() {
  const words = filter.value.toLowerCase().split(/\s+/);
  for (const row of document.querySelectorAll("tbody tr")) {
    const text = row.cells[0].textContent.toLowerCase();
    const matches = words.every((word) => text.includes(word));
    row.hidden = !matches || (incomplete.checked && row.classList.contains("hit"));
  }
}

if (filter) {
  filter.addEventListener("input", choose);
  incomplete.addEventListener("change", choose);
  choose();
}

// A file: from gap to gap.
const gaps = [...document.querySelectorAll(".source > .miss, .source > .part")];
let at = -1;

function go(step) {
  if (!gaps.length) return;
  at = at < 0 && step < 0 ? gaps.length - 1 : (at + step + gaps.length) % gaps.length;
  const gap = gaps[at];
  gap.scrollIntoView({ block: "center" });
  gap.querySelector("summary").focus({ preventScroll: true });
}

for (const [id, key, step] of [["previous", "p", -1], ["next", "n", 1]]) {
  const button = document.getElementById(id);
  if (!button) continue;
  button.disabled = !gaps.length;
  button.addEventListener("click", () => go(step));
  document.addEventListener("keydown", (event) => {
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (plain && event.key === key && !event.target.closest("input")) go(step);
  });
}

// An operation of the overview is looked for by its line: show what is said of it.
function open() {
  document.querySelector(":target details")?.setAttribute("open", "");
}

addEventListener("hashchange", open);
open();
