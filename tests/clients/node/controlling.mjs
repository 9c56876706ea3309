import { OpenAI, answer, begin, tell } from "./sdk.mjs";

// A test in Node scripts the fake itself. Its key says which world it means, here as in all other requests.
const { OPENAI_BASE_URL, OPENAI_API_KEY } = process.env;
const harness = async (path, body) => {
  const response = await fetch(new URL(`/_harness${path}`, OPENAI_BASE_URL), {
    method: body ? "POST" : "GET",
    headers: { authorization: `Bearer ${OPENAI_API_KEY}` },
    body: body && JSON.stringify(body),
  });
  const told = await response.json();
  if (!response.ok) throw new Error(told.error.message);
  return told;
};

await harness("/scenario", { next_run: [{ wait: 3600 }, { say: "4 °C and rain" }] });
await harness("/clock", { policy: "manual" });

const client = new OpenAI();
const { thread, assistant_id } = await begin(client, "Weather in Oslo?");
const run = await client.beta.threads.runs.create(thread.id, { assistant_id });
const before = (await harness("/runs"))[0].status;
await harness("/clock", { advance: 600 });
const [{ status, timeline }] = await harness("/runs");
const mistake = await harness("/scenario", { next_run: [{ sya: "?" }] }).catch((error) => error.message);

tell({
  run: run.id,
  statuses: [before, status],
  by: timeline.at(-1).by,
  requests: (await harness("/requests")).map(({ method, path }) => `${method} ${path}`),
  transcript: (await harness("/transcript")).transcript,
  mistake,
  unused: await harness("/unused"),
});
