import { OpenAI, answer, begin, tell } from "./sdk.mjs";

const options = JSON.parse(process.argv[2] ?? "{}");
const client = new OpenAI();
const { thread, assistant_id } = await begin(client, "Weather in Oslo?");
const run = await client.beta.threads.runs.createAndPoll(thread.id, { assistant_id }, options);
tell({ status: run.status, answer: (await answer(client, thread)).value });
