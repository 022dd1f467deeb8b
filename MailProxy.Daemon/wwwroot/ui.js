// Keys, completion of searches, and questions before what cannot be undone. All else works without scripts.
let pending = false;

const rows = () => [...document.querySelectorAll("tr[data-row]")];
const marked = () => document.querySelector("tr.on");

function mark(step) {
  const all = rows();
  if (all.length === 0) return;
  const at = Math.min(Math.max(all.indexOf(marked()) + step, 0), all.length - 1);
  marked()?.classList.remove("on");
  all[at].classList.add("on");
  const link = all[at].querySelector("a");
  if (link) link.focus();
  all[at].scrollIntoView({ block: "nearest" });
}

function go(key) {
  [...document.querySelectorAll("body > nav a[data-key]")].find((link) => link.dataset.key === key)?.click();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (typing) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (pending) {
    pending = false;
    go(event.key);
    return;
  }
  switch (event.key) {
    case "/": document.getElementById("q")?.focus(); break;
    case "?": document.getElementById("keys")?.showModal(); break;
    case "g": pending = true; return;
    case "j": mark(1); break;
    case "k": mark(-1); break;
    case "n": document.querySelector('[data-page="next"]')?.click(); break;
    case "p": document.querySelector('[data-page="first"]')?.click(); break;
    default: return;
  }
  event.preventDefault();
});

document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset?.confirm;
  if (question && !confirm(question)) event.preventDefault();
  if (event.target.matches("form.search")) {
    asked++; // what is still being completed comes too late
    close();
    document.getElementById("q").blur();
  }
});

// Completion: a combobox with a list, as the ARIA practices describe it.
let asked = 0;

const list = () => document.getElementById("completions");

function close() {
  const options = list();
  if (options) options.hidden = true;
  document.getElementById("q")?.setAttribute("aria-expanded", "false");
  document.getElementById("q")?.removeAttribute("aria-activedescendant");
}

function show(texts) {
  const options = list();
  // An answer that comes late takes no choice away.
  const chosen = options.hidden ? null : options.querySelector('[aria-selected="true"]')?.textContent;
  options.replaceChildren(...texts.map((text, i) => {
    const option = document.createElement("li");
    option.id = `completion-${i}`;
    option.role = "option";
    option.textContent = text;
    option.setAttribute("aria-selected", String(text === chosen));
    return option;
  }));
  options.hidden = texts.length === 0;
  document.getElementById("q").setAttribute("aria-expanded", String(texts.length > 0));
}

function select(step) {
  const options = [...list().children];
  const at = options.findIndex((one) => one.ariaSelected === "true");
  const to = (at + step + options.length) % options.length;
  options.forEach((one, i) => one.setAttribute("aria-selected", String(i === to)));
  document.getElementById("q").setAttribute("aria-activedescendant", options[to].id);
}

function take(text) {
  const q = document.getElementById("q");
  q.value = text;
  asked++; // what is still being answered is about another text
  close();
  q.focus();
  if (text.endsWith(":")) complete();
}

async function complete() {
  const q = document.getElementById("q");
  const number = ++asked;
  const tenant = new URLSearchParams(location.search).get("tenant");
  const answer = await fetch(`complete?q=${encodeURIComponent(q.value)}${tenant ? `&tenant=${encodeURIComponent(tenant)}` : ""}`);
  if (number === asked && answer.ok) show(await answer.json());
}

document.addEventListener("input", (event) => {
  if (event.target.id === "q") complete();
});

document.addEventListener("keydown", (event) => {
  if (event.target.id !== "q" || list().hidden) return;
  const chosen = list().querySelector('[aria-selected="true"]');
  switch (event.key) {
    case "ArrowDown": select(1); break;
    case "ArrowUp": select(-1); break;
    case "Escape": close(); break;
    case "Tab":
    case "Enter":
      if (!chosen) return close();
      take(chosen.textContent);
      break;
    default: return;
  }
  event.preventDefault();
  event.stopPropagation();
}, true);

document.addEventListener("mousedown", (event) => {
  const option = event.target.closest?.("#completions li");
  if (option) {
    event.preventDefault();
    take(option.textContent);
  } else if (event.target.id !== "q") {
    close();
  }
});

// A file is sent with its progress told; the answer leads to what it came to. Without scripts the browser sends it by itself.
const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-upload]")) return;
  event.preventDefault();
  const [told, bar, status] = [".upload", ".upload progress", ".upload [role=status]"].map((one) => form.querySelector(one));
  const button = form.querySelector("button");
  const tell = (text) => { status.textContent = text; };
  const request = new XMLHttpRequest();
  const ended = (text) => {
    button.disabled = false;
    tell(text);
  };
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    bar.value = loaded / total;
    tell(loaded < total ? `${megabytes(loaded)} of ${megabytes(total)} MB taken in` : "The last lines are being written.");
  });
  request.addEventListener("load", () => {
    if (request.status === 200) location.assign(request.responseURL);
    else ended(request.status === 401 ? "You are not signed in any more: reload the view." : request.responseText);
  });
  request.addEventListener("error", () => ended("The connection ended. What was taken in before stays; the same file may be imported again."));
  request.open("POST", form.action);
  told.hidden = false;
  button.disabled = true;
  request.send(new FormData(form));
});
