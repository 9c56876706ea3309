import { OpenAI, begin, tell } from "./sdk.mjs";

const client = new OpenAI();
const { thread, assistant_id } = await begin(client, "Weather in Oslo?");

// the helper, with its listeners
const [heard, deltas] = [[], []];
const stream = client.beta.threads.runs
  .stream(thread.id, { assistant_id })
  .on("event", ({ event }) => heard.push(event))
  .on("textDelta", ({ value }) => deltas.push(value));
const [message] = await stream.finalMessages();
const run = await stream.finalRun();

// the events themselves
const plain = [];
for await (const { event } of await client.beta.threads.runs.create(thread.id, { assistant_id, stream: true })) {
  plain.push(event);
}

tell({ heard, deltas, message: message.content[0].text.value, status: run.status, plain });
