// Rows of requests, files, vector stores and assistants, each of which opens to show its details.

function requestRow(request, view) {
  const bad = isProblem(request);
  const summary = h("span.request", { "data-bad": bad },
    h("span.muted.number", null, request.number),
    time(request.at, view.start) ?? h("span"),
    h("code.method", null, request.method),
    h("code.path", null, request.path, request.query && h("span.muted", null, `?${request.query}`)),
    h("span.outcome", null, bad && icon("failed"), h("span", null, request.outcome)),
    request.problem && say("span.why", request.problem));
  return fold(`request ${request.number}`, summary, h("div.two", null, carried("Sent", request.sent), carried("Answered", request.got)));
}

function isProblem(request) {
  return request.status === 0 || request.status >= 400;
}

function carried(name, body) {
  if (body === null) return labelled(name, h("p.muted", null, "nothing"));
  return h("div.labelled", null, h("h4", null, name, " ", h("span.muted", null, body.about)), body.text ? block("pre", body.text, `${name}: body`) : null);
}

function matches(request, wanted, onlyProblems) {
  if (onlyProblems && !isProblem(request)) return false;
  const texts = [request.method, request.path, request.query, request.outcome, request.problem, request.sent?.text, request.got?.text];
  return wanted === "" || texts.filter(Boolean).join("\n").toLowerCase().includes(wanted.toLowerCase());
}

function fileRow(file, view) {
  const summary = h("span.file", null,
    file.image && IMAGE.test(file.image) ? h("img.small", { src: file.image, alt: "" }) : h("span.small", { "aria-hidden": true }),
    say("b.cut", file.name || file.id), h("span.muted", null, bytes(file.bytes)), h("span.muted", null, file.purpose), id(file.id));
  return fold(file.id, summary, [
    facts(["Created", time(file.at, view.start)], ["Status", file.status]),
    file.kind ? picture(file.id, view)
      : file.text !== null ? block("pre", file.text, `Beginning of ${file.name}`)
      : h("p.muted", null, file.known ? "It is no text." : "Its content is not known."),
  ]);
}

function storeRow(store, view) {
  const summary = h("span.store", null, say("b.cut", store.name || store.id), h("span.muted", null, plural(store.files.length, "file")), h("span.muted", null, store.status), id(store.id));
  return fold(store.id, summary, [
    facts(["Created", time(store.at, view.start)]),
    h("ul.plain", null, store.files.map((entry) => h("li", null, badge(entry.status), say("span", nameOf(entry.file, view)), id(entry.file),
      entry.error && h("span.problem", null, entry.error.code, " ", say("span", entry.error.message))))),
    store.metadata && labelled("Metadata", block("pre", store.metadata, "Metadata")),
  ]);
}

function assistantRow(assistant, view) {
  const summary = h("span.store", null, say("b.cut", assistant.name || "no name"), h("span.muted", null, assistant.model), h("span"), id(assistant.id));
  return fold(assistant.id, summary, [
    facts(["Created", time(assistant.at, view.start)]),
    assistant.instructions && labelled("Instructions", block("p.said", assistant.instructions, "Instructions")),
    assistant.tools && labelled("Tools", block("pre", assistant.tools, "Tools")),
    assistant.tool_resources && labelled("Tool resources", block("pre", assistant.tool_resources, "Tool resources")),
    assistant.metadata && labelled("Metadata", block("pre", assistant.metadata, "Metadata")),
  ], { open: true });
}
