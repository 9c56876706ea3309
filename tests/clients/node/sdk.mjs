// The SDK that the test chose, a client that finds its address in the environment as any program does, and how long
// the SDK has slept: between polls, and before it tries again.

const waits = [];
const { setTimeout } = globalThis;
globalThis.setTimeout = (wake, ms, ...rest) => {
  const [, , caller] = new Error().stack.split("\n");
  // Node's own fetch sets timers too, and those of almost ten minutes guard requests
  if (caller.includes("/node_modules/openai") && ms < 60_000) waits.push(ms);
  return setTimeout(wake, ms, ...rest);
};

const { SDK } = process.env;
export const { default: OpenAI, AzureOpenAI, toFile } = await import(SDK);

// What differs: since 5.0 a call takes one id, and those before it in the path stand in its body by their names.
//   4.x   runs.retrieve(thread.id, run.id)
//   5.0   runs.retrieve(run.id, { thread_id: thread.id })
export const within = (parent, id, body) =>
  SDK === "openai-4"
    ? [...Object.values(parent), id, ...(body ? [body] : [])]
    : [id, { ...parent, ...body }];

// All that a program says goes to the test, as one line of JSON.
export const tell = (told) => console.log(JSON.stringify({ ...told, waits }));

export const GET_WEATHER = {
  type: "function",
  function: {
    name: "get_weather",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

// A thread with a question, and whom it is for.
export async function begin(client, question, assistant = {}) {
  const { id: assistant_id } = await client.beta.assistants.create({ model: "gpt-4o", ...assistant });
  const thread = await client.beta.threads.create({ messages: [{ role: "user", content: question }] });
  return { thread, assistant_id };
}

// What was said last in a thread.
export async function answer(client, thread) {
  const messages = await client.beta.threads.messages.list(thread.id);
  return messages.data[0].content[0].text;
}
