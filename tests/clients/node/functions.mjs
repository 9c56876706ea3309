import { GET_WEATHER, OpenAI, answer, begin, tell, within } from "./sdk.mjs";

const client = new OpenAI();
const { runs } = client.beta.threads;
const weather = (run) =>
  run.required_action.submit_tool_outputs.tool_calls.map(({ id, function: { arguments: given } }) => ({
    tool_call_id: id,
    output: `4 °C in ${JSON.parse(given).city}`,
  }));

const polled = await begin(client, "Weather in Oslo and Bergen?", { tools: [GET_WEATHER] });
let run = await runs.createAndPoll(polled.thread.id, { assistant_id: polled.assistant_id }, { pollIntervalMs: 1 });
const asked = run.status;
run = await runs.submitToolOutputsAndPoll(
  ...within({ thread_id: polled.thread.id }, run.id, { tool_outputs: weather(run) }),
  { pollIntervalMs: 1 },
);

const streamed = await begin(client, "And in Trondheim?", { tools: [GET_WEATHER] });
const first = runs.stream(streamed.thread.id, { assistant_id: streamed.assistant_id });
const stopped = await first.finalRun();
const second = runs.submitToolOutputsStream(
  ...within({ thread_id: streamed.thread.id }, stopped.id, { tool_outputs: weather(stopped) }),
);
const [message] = await second.finalMessages();

tell({
  polled: [asked, run.status, (await answer(client, polled.thread)).value],
  streamed: [stopped.status, (await second.finalRun()).status, message.content[0].text.value],
});
