// Conversations: the list of threads, and one of them with its messages and runs.

// Images may come from these URLs only: they load nothing from elsewhere, and unlike SVG they cannot contain scripts.
const IMAGE = /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+$/;

function threadButton(thread, view, chosen) {
  const runs = thread.said.filter((each) => each.run).map((each) => each.run);
  const first = thread.said.map((each) => each.message && plain(each.message)).find(Boolean);
  const counts = new Map();
  for (const run of runs) counts.set(run.status, (counts.get(run.status) ?? 0) + 1);
  return h("button.thread", { type: "button", "aria-current": chosen ? "true" : null, "data-focus": `thread ${thread.id}`, click: () => chooseThread(thread.id) },
    first ? say("span.first", first.slice(0, 200)) : h("span.first.muted", null, "no messages"),
    h("span.under", null, id(thread.id), thread.deleted && deleted(), h("span.grow"), [...counts].map(([status, count]) =>
      h("span.mark", { "data-status": status, title: `${count} ${status}` }, icon(status), h("span.unseen", null, `${count} ${status}`), count > 1 ? ` ${count}` : ""))));
}

function deleted() {
  return h("span.deleted", null, "deleted");
}

function plain(message) {
  return message.parts.map((part) => (part.pieces ? part.pieces.map((piece) => piece.text).join("") : part.text ?? "")).join(" ").trim();
}

function threadHead(thread, view) {
  const runs = thread.said.filter((each) => each.run).length;
  return h("header.thread-head", null,
    h("h2", null, id(thread.id)),
    thread.deleted && deleted(),
    h("span.muted", null, plural(thread.said.length - runs, "message"), " · ", plural(runs, "run")),
    h("span.grow"),
    thread.metadata || thread.tool_resources ? fold(`${thread.id} about`, "About", [
      thread.metadata && labelled("Metadata", block("pre", thread.metadata, "Metadata")),
      thread.tool_resources && labelled("Tool resources", block("pre", thread.tool_resources, "Tool resources")),
    ]) : null);
}

function messageRow(message, view) {
  const name = view.assistants.get(message.assistant)?.name;
  return h("section.message", { "data-role": message.role, id: message.id, tabindex: -1, "aria-label": `${message.role} message` },
    h("header", null,
      h("b", null, message.role), name && message.role === "assistant" ? say("span.muted", name) : null,
      time(message.at, view.start)),
    h("div.body", null,
      message.status !== "completed" && badge(message.status, message.why),
      message.parts.map((part) => partOf(part, view)),
      message.parts.length === 0 && h("p.muted", null, message.status === "in_progress" ? "being written …" : "empty"),
      message.attachments.length > 0 && h("ul.attached", { "aria-label": "Attachments" }, message.attachments.map((given) =>
        h("li", null, icon("attachment"), say("span", nameOf(given.file, view)), given.tools.length > 0 && h("span.muted", null, given.tools.join(", "))))),
      message.metadata && fold(`${message.id} metadata`, "Metadata", block("pre", message.metadata, "Metadata")),
      h("footer", null, id(message.id))));
}

function partOf(part, view) {
  if (part.type === "image") return picture(part.file, view);
  if (part.type === "image_url") return linked(part.url);
  if (part.type === "refusal") return h("p.refusal", null, h("strong", null, "Refusal"), " ", say("span.said", part.text));
  if (part.type !== "text") return block("pre", part.text, "Part of an unknown kind");
  const text = say("p.said", "");
  const whole = part.pieces.map((piece) => piece.text).join("");
  text.setAttribute("lang", language(whole) ?? "");
  if (!language(whole)) text.removeAttribute("lang");
  text.append(...part.pieces.map((piece) => piece.note ? h("mark", { title: noted(part.notes[piece.note - 1], view) }, piece.text, h("sup", null, piece.note)) : piece.text));
  return [text, part.notes.length > 0 && h("ol.notes", { "aria-label": "Notes" }, part.notes.map((note) => h("li", null,
    h("span.muted", null, note.kind === "file_path" ? "file" : "cites"), " ",
    say("span", noted(note, view)), " ", id(note.file ?? ""),
    note.quote && say("q", note.quote))))];
}

function noted(note, view) {
  return nameOf(note.file, view);
}

function nameOf(file, view) {
  return view.files.get(file)?.name || file || "a file";
}

// An image that the page does not contain is named, and never fetched: a report must not send requests.
function picture(file, view) {
  const known = view.files.get(file);
  if (known?.image && IMAGE.test(known.image)) return h("img", { src: known.image, alt: `Image ${known.name || file}` });
  return h("p.missing", null, h("span", null, known?.kind ? "An image too large for this page: " : "An image of which the content is not known: "), id(file ?? ""));
}

function linked(url) {
  if (IMAGE.test(url)) return h("img", { src: url, alt: "Image of the message" });
  return h("p.missing", null, "An image at ", say("code", url));
}
