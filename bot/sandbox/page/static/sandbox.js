"use strict";
// Keeps an issue's thread fresh, draws its diagrams, and keeps what one is typing.

const EVERY_MS = 1000;

function keepDrafts() {
  for (const form of document.querySelectorAll("form[data-draft]")) {
    const key = "draft:" + form.dataset.draft;
    const box = form.querySelector("textarea");
    if (!box.value) box.value = sessionStorage.getItem(key) || "";
    box.addEventListener("input", () => sessionStorage.setItem(key, box.value));
    box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        form.requestSubmit(form.querySelector("button.primary"));
      }
    });
    form.addEventListener("submit", () => sessionStorage.removeItem(key));
  }
}

const drawn = new Map(); // A diagram's source to its picture: a refresh draws nothing twice.
let counter = 0;

function loadMermaid(address) {
  if (window.mermaid) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(script);
  });
}

async function drawDiagrams(thread) {
  const codes = [...thread.querySelectorAll("code.language-mermaid")];
  if (!codes.length) return;
  await loadMermaid(thread.dataset.mermaid);
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  mermaid.initialize({ startOnLoad: false, securityLevel: "strict", theme: dark ? "dark" : "neutral" });
  for (const code of codes) {
    const source = code.textContent;
    try {
      if (!drawn.has(source)) drawn.set(source, (await mermaid.render(`diagram-${++counter}`, source)).svg);
    } catch (error) {
      // What cannot be drawn stays readable as its source.
      document.getElementById(`ddiagram-${counter}`)?.remove();
      continue;
    }
    const picture = document.createElement("div");
    picture.className = "diagram";
    picture.innerHTML = drawn.get(source);
    code.closest("pre")?.replaceWith(picture);
  }
}

function keepOpen(before, after) {
  const old = [...before.querySelectorAll("details")];
  [...after.querySelectorAll("details")].forEach((details, position) => {
    if (old[position]) details.open = old[position].open;
  });
}

function merge(thread, fresh) {
  const gone = new Set([...thread.children].map((child) => child.id));
  let previous = null;
  for (const node of [...fresh.children]) {
    gone.delete(node.id);
    const known = document.getElementById(node.id);
    if (known && known.dataset.digest === node.dataset.digest) {
      previous = known;
      continue;
    }
    if (known) {
      keepOpen(known, node);
      known.replaceWith(node);
    } else if (previous) previous.after(node);
    else thread.prepend(node);
    previous = node;
  }
  for (const id of gone) document.getElementById(id)?.remove();
}

function showState(thread) {
  const state = thread.querySelector("#head").dataset.state;
  document.body.classList.toggle("is-open", state === "open");
  document.body.classList.toggle("is-closed", state === "closed");
}

async function refresh(thread) {
  if (!document.hidden) {
    try {
      const answer = await fetch(thread.dataset.source, { headers: { "If-None-Match": thread.dataset.etag || "" } });
      if (answer.status === 200) {
        const fresh = document.createElement("div");
        fresh.innerHTML = await answer.text();
        thread.dataset.etag = answer.headers.get("ETag") || "";
        merge(thread, fresh);
        showState(thread);
        await drawDiagrams(thread);
      }
    } catch (error) {
      // The server is away: what is shown stays, and the next round asks again.
    }
  }
  setTimeout(refresh, EVERY_MS, thread);
}

keepDrafts();
const thread = document.getElementById("thread");
if (thread) {
  showState(thread);
  drawDiagrams(thread).finally(() => refresh(thread));
}
