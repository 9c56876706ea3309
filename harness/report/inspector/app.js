// The page as a whole: the reader's choices, the drawing of each view, and polling where a server is behind the page.

const boot = JSON.parse(document.getElementById("data").textContent);
const place = new URLSearchParams(location.hash.slice(1)); // choices survive a reload
const state = {
  live: boot.worlds === null,
  worlds: boot.worlds ?? {},
  rows: Object.keys(boot.worlds ?? {}).map((name) => ({ name })),
  world: place.get("world"),
  view: place.get("view"), // null until the reader chooses; then `viewShown` decides
  thread: place.get("thread"),
  wanted: place.get("filter") ?? "",
  problems: place.has("problems"),
};
const NOTHING = { start: null, now: null, failures: [], assistants: [], threads: [], files: [], stores: [], requests: [], left_out: {} };
const VIEWS = {
  conversations: { title: "Conversations", count: (world) => world.threads.length, draw: drawConversations },
  requests: { title: "Requests", count: (world) => world.requests.length + (world.left_out.requests ?? 0), draw: drawRequests },
  files: { title: "Files", count: (world) => world.files.length, draw: drawFiles },
  assistants: { title: "Assistants", count: (world) => world.assistants.length, draw: drawAssistants },
};
const $$ = (name) => document.getElementById(name);

function present() {
  const name = state.rows.some((row) => row.name === state.world) ? state.world : state.rows[0]?.name;
  return { name, world: { ...NOTHING, ...(name !== undefined && Object.hasOwn(state.worlds, name) ? state.worlds[name] : null) } };
}

// The drawing of one run, message or file gets only this of the rest of its world. `names` is a signature: what shows
// names of files and assistants is drawn again when it changes.
function viewOf(world) {
  const files = new Map(world.files.map((file) => [file.id, file]));
  const assistants = new Map(world.assistants.map((assistant) => [assistant.id, assistant]));
  const names = JSON.stringify([world.start, world.files.map((file) => [file.id, file.name, Boolean(file.image)]), world.assistants.map((each) => [each.id, each.name])]);
  return { start: world.start, now: world.now, files, assistants, names };
}

function draw() {
  const { name, world } = present();
  const shown = viewShown(world);
  const view = viewOf(world);
  drawTop(name, world, shown);
  const title = world.source === "cassette" ? "Left out" : "Failure of the harness";
  sync($$("failures"), world.failures.map((text, index) => ({ text, index })), {
    key: (failure) => String(failure.index),
    build: (failure) => h("section.failure", null, h("h2", null, icon("failed"), title), block("pre", failure.text, "Failure")),
  });
  for (const each of Object.keys(VIEWS)) $$(`panel-${each}`).hidden = each !== shown;
  const atEnd = scrollY > 0 && innerHeight + scrollY >= document.documentElement.scrollHeight - 40;
  VIEWS[shown].draw(world, view);
  if (state.live && atEnd) scrollTo({ top: document.documentElement.scrollHeight });
  remember(name);
}

function viewShown(world) {
  if (Object.hasOwn(VIEWS, state.view ?? "")) return state.view;
  return world.threads.length > 0 || world.requests.length === 0 ? "conversations" : "requests";
}

function remember(name) {
  const kept = new URLSearchParams();
  if (state.rows.length > 1 && name !== undefined) kept.set("world", name);
  if (state.view) kept.set("view", state.view);
  if (state.thread) kept.set("thread", state.thread);
  if (state.wanted) kept.set("filter", state.wanted);
  if (state.problems) kept.set("problems", "");
  if (kept.toString() === location.hash.slice(1)) return;
  try {
    history.replaceState(null, "", `${location.pathname}${location.search}#${kept}`);
  } catch {
    // Viewers of build artifacts show the page in a frame without an address of its own, whose history cannot be changed.
  }
}

function drawTop(name, world, shown) {
  const select = $$("world").querySelector("select");
  $$("world").hidden = state.rows.length < 2;
  sync(select, state.rows, {
    key: (row) => `world ${row.name}`,
    build: (row) => h("option", { value: row.name }, row.requests === undefined ? row.name : `${row.name} (${plural(row.requests, "request")})`),
  });
  if (name !== undefined && select.value !== name) select.value = name;
  const tabs = Object.entries(VIEWS).map(([key, each]) => ({ key, title: each.title, count: each.count(world), chosen: key === shown }));
  sync($$("views"), tabs, {
    key: (tab) => tab.key,
    build: (tab) => h("button", { type: "button", role: "tab", id: `view-${tab.key}`, "aria-controls": `panel-${tab.key}`, "aria-selected": String(tab.chosen),
      tabindex: tab.chosen ? 0 : -1, "data-focus": `view ${tab.key}`, click: () => chooseView(tab.key) }, tab.title, " ", h("span.count", null, tab.count.toLocaleString("en"))),
  });
  const passed = world.now !== null && world.start !== null ? duration(world.now - world.start) : null;
  $$("clock").replaceChildren(...(passed === null ? [] : [h("span.muted", null, world.source === "cassette" ? "Recorded over " : "Clock "), h("time", { title: time(world.now, null).title }, passed)]));
}

function older(count, things) {
  return count > 0 ? [{ older: `${count.toLocaleString("en")} older ${things} not shown` }] : [];
}

function drawConversations(world, view) {
  const thread = world.threads.find((each) => each.id === state.thread) ?? (state.live ? world.threads.at(-1) : world.threads[0]);
  const list = $$("panel-conversations").querySelector("nav");
  sync(list, [...older(world.left_out.threads, "threads"), ...world.threads], {
    key: (each) => each.id ?? "older",
    build: (each) => each.older ? h("p.muted", null, each.older) : threadButton(each, view, each === thread),
    of: (each) => String(each === thread),
  });
  list.hidden = world.threads.length === 0;
  reveal(list, list.querySelector("[aria-current]"));
  const items = thread ? [{ head: thread }, ...thread.said] : [{ nothing: true }];
  sync($$("conversation"), items, {
    key: (item) => (item.nothing ? "nothing" : item.head ? `head ${thread.id}` : item.run?.id ?? item.message.id),
    build: (item) => item.nothing ? empty() : item.head ? threadHead(item.head, view) : item.run ? runCard(item.run, view) : messageRow(item.message, view),
    of: (item) => view.names + (item.run && !DONE.has(item.run.status) ? view.now : ""),
  });
}

// Only the list scrolls: `scrollIntoView` would scroll the page, too. It scrolls once for each choice, so that the reader
// can scroll away again.
function reveal(list, chosen) {
  if (chosen === null || list.dataset.shown === chosen.dataset.key) return;
  list.dataset.shown = chosen.dataset.key;
  const [inner, outer] = [chosen.getBoundingClientRect(), list.getBoundingClientRect()];
  if (inner.top < outer.top || inner.bottom > outer.bottom) list.scrollTop += inner.top - outer.top - outer.height / 3;
}

function empty() {
  if (!state.live) return h("p.empty", null, "There is no thread here.");
  return h("p.empty", null, state.rows.length === 0 ? "No world yet. One begins with the first request of an API key, and shows here." : "No thread yet. The first one shows here as soon as it is made.");
}

function drawRequests(world, view) {
  const shown = world.requests.filter((request) => matches(request, state.wanted, state.problems));
  sync($$("requests"), [...older(world.left_out.requests, "requests"), ...shown], {
    key: (request) => request.older ? "older" : String(request.number),
    build: (request) => request.older ? h("p.muted", null, request.older) : requestRow(request, view),
    of: () => String(view.start),
  });
  if (document.activeElement !== $$("filter")) $$("filter").value = state.wanted;
  $$("problems").checked = state.problems;
  const filtered = state.wanted || state.problems;
  $$("matching").textContent = filtered ? `${shown.length} of ${plural(world.requests.length, "request")}` : "";
}

function drawFiles(world, view) {
  sync($$("files"), [...older(world.left_out.files, "files"), ...(world.files.length ? world.files : [{ older: "No files." }])], {
    key: (file) => file.id ?? file.older,
    build: (file) => file.older ? h("p.muted", null, file.older) : fileRow(file, view),
    of: () => String(view.start),
  });
  $$("stores-title").hidden = world.stores.length === 0;
  sync($$("stores"), world.stores, { key: (store) => store.id, build: (store) => storeRow(store, view), of: () => view.names });
}

function drawAssistants(world, view) {
  const items = world.assistants.length ? world.assistants : [{ older: "No assistants." }];
  sync($$("assistants"), items, {
    key: (assistant) => assistant.id ?? "none",
    build: (assistant) => assistant.older ? h("p.muted", null, assistant.older) : assistantRow(assistant, view),
    of: () => String(view.start),
  });
}

// --- input ---------------------------------------------------------------------------------------------------------

function chooseView(view) {
  state.view = view;
  draw();
}

function chooseThread(thread) {
  state.thread = thread;
  draw();
  scrollTo({ top: 0 });
}

function showRequests(text) {
  Object.assign(state, { view: "requests", wanted: text, problems: false });
  draw();
  $$("view-requests").focus();
}

function goTo(name) {
  const there = $$(name);
  there?.scrollIntoView({ block: "center" });
  there?.focus({ preventScroll: true });
}

$$("world").querySelector("select").addEventListener("change", (event) => {
  Object.assign(state, { world: event.target.value, thread: null });
  draw();
  if (state.live) poll();
});
$$("filter").addEventListener("input", (event) => { state.wanted = event.target.value; draw(); });
$$("problems").addEventListener("change", (event) => { state.problems = event.target.checked; draw(); });
document.querySelector("form").addEventListener("submit", (event) => event.preventDefault());

const STEPS = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };

function along(elements, event) {
  const at = elements.indexOf(event.target.closest("button, summary"));
  if (at < 0) return null;
  if (event.key === "Home") return elements[0];
  if (event.key === "End") return elements.at(-1);
  return elements[at + STEPS[event.key]] ?? null;
}

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const typing = event.target.matches("input, select, textarea");
  if (event.key === "/" && !typing) {
    event.preventDefault();
    chooseView("requests");
    $$("filter").focus();
  } else if (event.key === "Escape") {
    if (event.target === $$("filter")) {
      event.target.value = state.wanted = "";
      draw();
    } else {
      const open = event.target.closest("details[open]");
      if (!open) return;
      open.open = false;
      open.querySelector("summary").focus();
    }
  } else if (event.key in STEPS || event.key === "Home" || event.key === "End") {
    const tabs = event.target.closest("[role=tablist]");
    const list = event.target.closest("[data-arrows]");
    if (tabs && event.key !== "ArrowUp" && event.key !== "ArrowDown") {
      const next = along([...tabs.children], event);
      if (next) { event.preventDefault(); next.click(); $$(next.id).focus(); }
    } else if (list && event.key !== "ArrowLeft" && event.key !== "ArrowRight") {
      const next = along([...list.querySelectorAll(list.dataset.arrows)].filter((element) => element.offsetParent !== null), event);
      if (next) { event.preventDefault(); next.focus(); }
    }
  }
});

// --- the server ------------------------------------------------------------------------------------------------------

const POLL_MS = 500;
const RETRY_MS = 2000; // a server that is gone need not be asked as often
const here = location.pathname.endsWith("/") ? location.pathname : `${location.pathname}/`;
const token = new URLSearchParams(location.search).get("token");
const seen = new Map(); // the version of each world that is drawn: the server sends a world only if it has changed since
let timer = null;
let asking = false;

async function ask(path) {
  const answer = await fetch(`${here}${path}`, { headers: token === null ? {} : { "x-harness-token": token }, cache: "no-store" });
  if (!answer.ok) throw new Error(`the server answers ${answer.status}`);
  return answer.json();
}

function tell(text, kind) {
  const live = $$("live");
  if (live.textContent !== text) live.textContent = text;
  live.dataset.kind = kind;
}

// Returns whether there is anything new to draw.
async function fetchChanges() {
  const rows = await ask("worlds");
  const changed = JSON.stringify(rows) !== JSON.stringify(state.rows);
  state.rows = rows;
  const { name } = present();
  if (name === undefined) return changed;
  const had = seen.has(name) ? `&seen=${seen.get(name)}` : "";
  const answer = await ask(`world?world=${encodeURIComponent(name)}${had}`);
  seen.set(name, answer.seen);
  if (!answer.world) return changed;
  state.worlds[name] = answer.world;
  return true;
}

async function poll() {
  clearTimeout(timer);
  if (asking) return;
  if (document.hidden) return tell("paused", "paused");
  asking = true;
  let next = POLL_MS;
  try {
    if (await fetchChanges()) draw();
    tell("live", "live");
  } catch (error) {
    next = RETRY_MS;
    tell(error instanceof TypeError ? "the server is gone" : error.message, "lost");
  }
  asking = false;
  timer = setTimeout(poll, next);
}

draw();
if (state.live) {
  document.addEventListener("visibilitychange", poll);
  poll();
}
