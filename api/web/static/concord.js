// Everything works without this file. It adds: keys to move through results and to judge pairs, forms that submit on a
// change, and menus that close when the reader looks elsewhere.
"use strict";

document.documentElement.classList.add("js");

for (const select of document.querySelectorAll("[data-submit]")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}

const narrow = document.querySelector("[data-narrow]");
if (narrow && window.matchMedia("(max-width: 60rem)").matches) {
  narrow.open = false;
}

const menus = [...document.querySelectorAll("details.menu")];
document.addEventListener("click", (event) => {
  for (const menu of menus) {
    if (menu.open && !menu.contains(event.target)) menu.open = false;
  }
});

// A delivery's files: how much of them is sent, and a way to stop.
const upload = document.querySelector("form[data-upload]");
let sending = false;
if (upload) {
  const state = upload.querySelector("[data-sending]");
  const fault = upload.querySelector(".fault");
  const say = (told) => {
    fault.textContent = told;
    fault.hidden = !told;
  };
  upload.addEventListener("submit", (event) => {
    event.preventDefault();
    const request = new XMLHttpRequest();
    const ended = (told) => {
      sending = false;
      state.hidden = true;
      upload.querySelector("button:not([type])").disabled = false;
      say(told);
    };
    request.open("POST", upload.action);
    request.setRequestHeader("accept", "text/html");
    request.upload.addEventListener("progress", (part) => {
      const share = part.total ? part.loaded / part.total : 0;
      state.querySelector("progress").value = share;
      state.querySelector(".count").textContent = share.toLocaleString(document.documentElement.lang, { style: "percent" });
    });
    request.addEventListener("load", () => {
      if (request.status < 400) {
        window.location.href = request.responseURL;
        return;
      }
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      ended((page.querySelector("main .fault:not([hidden])") || page.querySelector("main")).textContent.trim());
    });
    request.addEventListener("error", () => ended(upload.dataset.lost));
    request.addEventListener("abort", () => ended(""));
    state.querySelector("button").onclick = () => request.abort();
    sending = true;
    state.hidden = false;
    say("");
    upload.querySelector("button:not([type])").disabled = true;
    request.send(new FormData(upload));
  });
}

// Long work: look again by and by, unless somebody is filling in a form.
if (document.querySelector("[data-again]")) {
  window.setInterval(() => {
    if (!sending && (!document.activeElement || !document.activeElement.closest("form"))) window.location.reload();
  }, 4000);
}

// Keys of one letter can be turned off (WCAG 2.1.4): they would fire where somebody dictates.
const switchOfKeys = document.querySelector("[data-keys]");
let keysOn = true;
try {
  keysOn = window.localStorage.getItem("keys") !== "off";
} catch {
  // A browser that keeps nothing: keys are on.
}
if (switchOfKeys) {
  switchOfKeys.checked = keysOn;
  switchOfKeys.addEventListener("change", () => {
    keysOn = switchOfKeys.checked;
    try {
      window.localStorage.setItem("keys", keysOn ? "on" : "off");
    } catch {
      // It then holds for this page.
    }
  });
}

const hits = [...document.querySelectorAll("[data-hit]")];
let current = -1;

function go(step) {
  if (!hits.length) return;
  current = Math.min(Math.max(current + step, 0), hits.length - 1);
  for (const hit of hits) hit.classList.remove("current");
  hits[current].classList.add("current");
  hits[current].scrollIntoView({ block: "nearest" });
  const link = hits[current].querySelector("a");
  if (link) link.focus({ preventScroll: true });
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select");
  if (event.key === "Escape") {
    for (const menu of menus) menu.open = false;
    if (typing) event.target.blur();
    return;
  }
  const judging = document.querySelector("[data-judge]");
  if (judging && event.key === "Enter" && !event.target.closest("a, button, textarea, summary") && !event.isComposing) {
    const save = judging.querySelector("[value=save]");
    if (judging.querySelector("[name=judgement]:checked")) {
      event.preventDefault();
      judging.requestSubmit(save);
    }
    return;
  }
  if (typing && typing.type !== "radio") return;
  if (!keysOn || event.ctrlKey || event.metaKey || event.altKey) return;
  // On a keyboard of another script the key that stands where the Latin letter does.
  const pressed = /^Key[A-Z]$/.test(event.code) && !/^[a-z]$/i.test(event.key) ? event.code.slice(3).toLowerCase() : event.key;
  const keyed = document.querySelector(`[data-key="${CSS.escape(pressed)}"]`);
  if (keyed && (event.key !== "Enter" || event.target === document.body)) {
    event.preventDefault();
    keyed.click();
    if (keyed.type === "radio") {
      const first = keyed.value === "different" ? "reason" : keyed.value === "related" ? "relation" : null;
      (first ? judging.elements[first] : keyed).focus();
    }
    return;
  }
  if (pressed === "j") go(1);
  else if (pressed === "k") go(-1);
  else if (event.key === "/") {
    const box = document.getElementById("q");
    if (!box) return;
    event.preventDefault();
    box.focus();
    box.select();
  }
});
