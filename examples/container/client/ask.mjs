// A client as it would ask the real service: its address and key stand in the environment.
import OpenAI from "openai";

const { threads } = new OpenAI().beta;

let run = await threads.createAndRunPoll({
  assistant_id: "asst_weather",
  thread: { messages: [{ role: "user", content: "What is the weather in Oslo?" }] },
});
while (run.status === "requires_action") {
  const { tool_calls } = run.required_action.submit_tool_outputs;
  run = await threads.runs.submitToolOutputsAndPoll(run.id, {
    thread_id: run.thread_id,
    tool_outputs: tool_calls.map(({ id }) => ({ tool_call_id: id, output: "4 °C, rain" })),
  });
}
const messages = await threads.messages.list(run.thread_id);
console.log(`${run.status}: ${messages.data[0].content[0].text.value}`);
