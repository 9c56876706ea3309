// Elements. The data come from the code under test and from models, so they become text nodes or values of attributes,
// and never markup.

const SVG = "http://www.w3.org/2000/svg";
const folds = new Map(); // whether the reader has opened or closed a fold, by its key
const signatures = new WeakMap(); // the data that an element was built from

function h(tag, attributes, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name || "div");
  element.classList.add(...classes);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// Korean and Japanese texts need a font and line breaks of their own, which browsers choose by `lang`. The letters of other
// languages do not tell which language it is.
function language(text) {
  if (/[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]/.test(text)) return "ko";
  return /[\u3040-\u30ff]/.test(text) ? "ja" : null;
}

function say(tag, text, attributes) {
  return h(tag, { lang: language(text), dir: "auto", ...attributes }, text);
}

// A long text scrolls within its box, which therefore needs the focus for readers who use the keyboard.
function block(tag, text, label) {
  const long = text.length > 1500 || text.split("\n").length > 16;
  return say(tag, text, long ? { tabindex: 0, role: "region", "aria-label": label } : null);
}

// `folds` remembers what the reader did, because a change of the data builds the element anew.
function fold(key, summary, body, { open = false, tag = "details" } = {}) {
  const element = h(tag, { open: folds.get(key) ?? open, toggle: () => folds.set(key, element.open) });
  element.append(h("summary", { "data-focus": key }, summary), h("div.folded", null, body));
  return element;
}

// Gives `parent` one child for each item, in order. A child is built anew only if its item, or what `of` returns for it,
// has changed: otherwise focus, selection and scroll positions in it would be lost at every change of the world.
function sync(parent, items, { key, build, of = () => "" }) {
  const there = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const focused = document.activeElement?.dataset.focus;
  let before = null;
  for (const item of items) {
    const name = key(item);
    const signature = JSON.stringify(item) + of(item);
    let element = there.get(name);
    there.delete(name);
    if (element === undefined || signatures.get(element) !== signature) {
      const fresh = build(item);
      fresh.dataset.key = name;
      signatures.set(fresh, signature);
      element?.replaceWith(fresh);
      element = fresh;
    }
    const place = before === null ? parent.firstElementChild : before.nextElementSibling;
    if (place !== element) parent.insertBefore(element, place);
    before = element;
  }
  for (const gone of there.values()) gone.remove();
  if (focused && document.activeElement?.dataset.focus !== focused) {
    const again = [...parent.querySelectorAll("[data-focus]")].find((element) => element.dataset.focus === focused);
    again?.focus({ preventScroll: true });
  }
}

// --- small parts ---------------------------------------------------------------------------------------------------

// Each status has its own shape, for readers who cannot tell the colours apart. A path that ends in "!" is filled.
const SHAPES = {
  queued: ["M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13z", "M8 4.5V8l2.5 1.5"],
  in_progress: ["M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13z", "M8 3.5a4.5 4.5 0 0 1 0 9z!"],
  requires_action: ["M8 1L15 8L8 15L1 8z", "M8 4.8V8.6", "M8 10.8v.4"],
  completed: ["M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13z", "M5 8.2l2.2 2.2L11.2 6"],
  failed: ["M5.2 1.5h5.6l3.7 3.7v5.6l-3.7 3.7H5.2l-3.7-3.7V5.2z", "M5.7 5.7l4.6 4.6M10.3 5.7l-4.6 4.6"],
  expired: ["M3.5 1.5h9M3.5 14.5h9M4.5 1.5c0 4 7 5 7 13M11.5 1.5c0 4-7 5-7 13"],
  cancelled: ["M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13z", "M3.5 12.5l9-9"],
  incomplete: ["M8 1.5a6.5 6.5 0 1 0 6.5 6.5", "M8 1.5V8h6.5"],
  attachment: ["M13 7.5L8 12.5a3 3 0 0 1-4.2-4.2l5.5-5.5a2 2 0 0 1 2.8 2.8l-5.4 5.4a1 1 0 0 1-1.4-1.4l4.8-4.8"],
  other: ["M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13z"],
};
SHAPES.cancelling = SHAPES.cancelled;

function icon(status) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  for (const shape of Object.hasOwn(SHAPES, status) ? SHAPES[status] : SHAPES.other) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", shape.replace("!", ""));
    if (shape.endsWith("!")) path.setAttribute("class", "full");
    svg.append(path);
  }
  return svg;
}

function badge(status, detail) {
  return h("span.badge", { "data-status": status }, icon(status), h("span", null, status, detail ? ` · ${detail}` : ""));
}

function id(text) {
  return h("code.id", null, text);
}

function facts(...pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return known.length ? h("dl.facts", null, known.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value)))) : null;
}

function plural(count, thing) {
  return `${count.toLocaleString("en")} ${thing}${count === 1 ? "" : "s"}`;
}

function duration(seconds) {
  const total = Math.max(0, seconds);
  if (total < 60) return `${Number(total.toFixed(2))} s`;
  const [hours, minutes, rest] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, Math.round(total % 60)];
  return [hours && `${hours} h`, minutes && `${minutes} min`, rest && `${rest} s`].filter(Boolean).join(" ");
}

// The time since the world began, because virtual dates mean little; the full date is in the title.
function time(at, start) {
  if (at === null || at === undefined) return null;
  const full = new Date(at * 1000).toISOString();
  const shown = start === null ? full.replace("T", " ").slice(0, 19) : at < start ? `−${duration(start - at)}` : `+${duration(at - start)}`;
  return h("time", { datetime: full, title: `${full.replace("T", " ").slice(0, 19)} UTC` }, shown);
}

function bytes(count) {
  if (count === null || count === undefined) return "size not known";
  if (count < 1024) return plural(count, "byte");
  return count < 1 << 20 ? `${(count / 1024).toFixed(1)} kB` : `${(count / (1 << 20)).toFixed(1)} MB`;
}
