// Runs: how their status moved over virtual time, and the steps below on the same scale.

const DONE = new Set(["completed", "failed", "expired", "cancelled", "incomplete"]);

function runCard(run, view) {
  const scale = scaleOf(run, view);
  const name = view.assistants.get(run.assistant)?.name;
  const head = h("header.run-head", null,
    badge(run.status, run.why),
    id(run.id),
    name && say("span", name),
    run.model && h("span.muted", null, run.model),
    h("span.spent.muted", null,
      scale.seconds !== null && h("span", null, duration(scale.seconds)),
      run.usage && h("span", { title: "tokens of the prompt and of the completion" },
        `${run.usage.prompt.toLocaleString("en")} + ${run.usage.completion.toLocaleString("en")} tokens`)));
  return h("section.run", { "aria-label": `Run ${run.id}, ${run.status}`, id: run.id, tabindex: -1 },
    head,
    run.error && h("p.problem", null, h("strong", null, run.error.code), " ", say("span", run.error.message)),
    h("div.lanes", null, runLane(run, scale), run.steps.map((step) => stepLane(step, scale, view)), axis(scale)),
    moments(run, view),
    waiting(run),
    run.calls.length > 0 && h("div.unstepped", null, h("h4", null, "Calls of which no step was seen"), run.calls.map((call) => functionCall(call))),
    fold(`${run.id} about`, "About this run", [
      facts(["Assistant", id(run.assistant ?? "—")], ["Scripted by", run.script && h("code", null, run.script)],
        ["Created", time(run.at, view.start)], ["Expires", time(run.expires_at, view.start)]),
      run.instructions && labelled("Instructions", block("p.said", run.instructions, "Instructions")),
      run.tools && labelled("Tools", block("pre", run.tools, "Tools")),
      run.metadata && labelled("Metadata", block("pre", run.metadata, "Metadata")),
      h("button.link", { type: "button", "data-focus": `${run.id} requests`, click: () => showRequests(run.id) }, "Requests that name it"),
    ]));
}

// Arguments are shown only of calls that no step shows, so none appears twice.
function waiting(run) {
  if (run.waits_for.length === 0) return null;
  const shown = new Set(run.steps.flatMap((step) => step.calls.map((call) => call.id)));
  return h("div.waits", null,
    h("p", null, "Waits for the output of ", run.waits_for.map((call, index) => [index > 0 && ", ", h("code", null, `${call.name}()`)])),
    run.waits_for.filter((call) => !shown.has(call.id)).map((call) => functionCall(call)));
}

// Converts times to percentages of the run's duration. A recording may lack times; then each status is equally wide.
function scaleOf(run, view) {
  const times = run.moments.map((moment) => moment.at);
  const over = DONE.has(run.status);
  const known = times.length > 0 && times.every((at) => at !== null);
  const from = known ? times[0] : null;
  const to = !known ? null : over ? times.at(-1) : Math.max(view.now ?? 0, times.at(-1));
  const seconds = known ? to - from : null;
  const count = Math.max(1, times.length - (over ? 1 : 0));
  const place = (at) => (seconds > 0 ? Math.min(100, Math.max(0, ((at - from) / seconds) * 100)) : 0);
  const edge = (index) => (seconds > 0 ? place(times[index] ?? to) : Math.min(100, (index / count) * 100));
  return { seconds, over, place, edge, known: seconds > 0 };
}

function placed(element, from, to) {
  element.style.insetInlineStart = `min(${from}%, 100% - 5px)`;
  element.style.inlineSize = `${Math.max(0, to - from)}%`;
  return element;
}

function runLane(run, scale) {
  const last = run.moments.length - 1;
  const track = h("div.track", { role: "img", "aria-label": run.moments.map((moment) => moment.status).join(", then ") });
  run.moments.forEach((moment, index) => {
    if (index === last && scale.over) return;
    const to = index === last ? 100 : scale.edge(index + 1);
    const [from, open] = [scale.edge(index), index === last];
    track.append(placed(h("span.segment", { "data-status": moment.status, "data-open": open, "data-brief": to - from < 0.5, title: moment.status },
      h("span", null, moment.status)), from, to));
  });
  const end = scale.over ? h("span.end", { "data-status": run.status, title: run.status }, icon(run.status)) : h("span.end");
  return h("div.lane.of-run", null, h("span.lane-name", null, "Status"), track, end);
}

function stepLane(step, scale, view) {
  const bar = scale.known && step.at !== null &&
    placed(h("span.span", { "data-status": step.status }), scale.place(step.at), step.end === null ? 100 : scale.place(step.end));
  const lane = h("span.lane", null,
    h("span.lane-name", null, h("span.mark", { "data-status": step.status }, icon(step.status)), say("span.cut", titleOf(step))),
    h("span.track", null, bar),
    h("span.end"));
  const took = step.at !== null && step.end !== null ? duration(step.end - step.at) : null;
  return fold(step.id, lane, [
    facts(["Step", id(step.id)], ["Status", step.status === "completed" ? null : step.status], ["Took", took],
      ["Tokens", step.usage && `${step.usage.prompt} + ${step.usage.completion}`]),
    step.error && h("p.problem", null, h("strong", null, step.error.code), " ", say("span", step.error.message)),
    step.message && h("p", null, "Wrote ", h("button.link", { type: "button", "data-focus": `${step.id} to`, click: () => goTo(step.message) }, id(step.message))),
    step.calls.map((call) => callOf(call, view)),
  ], { open: step.calls.some((call) => call.type !== "function" || step.calls.length < 4) });
}

function titleOf(step) {
  if (step.message) return "message";
  const names = { code_interpreter: "code interpreter", file_search: "file search", retrieval: "retrieval" };
  const all = step.calls.map((call) => (call.type === "function" ? `${call.name}()` : names[call.type] ?? call.type));
  return all.join(", ") || "tool calls";
}

function axis(scale) {
  if (!scale.known) return h("p.axis.lane", null, h("span.lane-name"), h("span.muted", null, scale.seconds === null ? "Its times were not recorded." : "It took no time."));
  const ticks = [0, 0.5, 1].map((part) => h("span", null, duration(scale.seconds * part)));
  return h("div.axis.lane", { "aria-hidden": true }, h("span.lane-name"), h("span.ticks", null, ticks), h("span.end"));
}

function moments(run, view) {
  if (run.moments.length === 0) return null;
  const first = run.moments[0].at;
  return h("ol.moments", { "aria-label": "How its status moved" }, run.moments.map((moment) =>
    h("li", { "data-status": moment.status },
      icon(moment.status), h("b", null, moment.status),
      moment.at !== null && h("time", { title: time(moment.at, view.start)?.title }, duration(moment.at - first)),
      h("span.muted", null, moment.by ? `${moment.by}: ${moment.because}` : "seen"))));
}

// --- what steps did --------------------------------------------------------------------------------------------------

function labelled(name, ...content) {
  return h("div.labelled", null, h("h4", null, name), content);
}

function callOf(call, view) {
  if (call.type === "function") return functionCall(call);
  return call.type === "code_interpreter" ? cell(call, view) : search(call, view);
}

function functionCall(call) {
  return h("div.call", null,
    h("p.call-name", null, h("code", null, `${call.name}()`), " ", id(call.id ?? "")),
    h("div.two", null,
      labelled("Arguments", block("pre", call.arguments, "Arguments")),
      labelled("Output", call.output === null ? h("p.muted", null, "nothing was submitted") : block("pre", call.output, "Output"))));
}

function cell(call, view) {
  return h("div.call", null,
    labelled("Code", block("pre", call.input, "Code")),
    call.outputs.map((output) => output.image !== undefined
      ? labelled("Image", picture(output.image, view))
      : labelled("Logs", block("pre", output.logs, "Logs"))));
}

function search(call, view) {
  if (call.results.length === 0) return h("p.muted", null, "Nothing is known of what it found.");
  return h("ol.results", null, call.results.map((result, index) => h("li", null,
    fold(`${call.id} ${index}`, [
      say("span", result.name || nameOf(result.file, view)),
      result.score !== null && h("span.score", null, `score ${Number(result.score).toFixed(2)}`),
    ], result.text ? block("p.said", result.text, "What was found") : h("p.muted", null, "Its text was not shown.")))));
}
