import { AzureOpenAI, answer, begin, tell } from "./sdk.mjs";

const client = new AzureOpenAI();
const { thread, assistant_id } = await begin(client, "Hi?");
const run = await client.beta.threads.runs.createAndPoll(thread.id, { assistant_id }, { pollIntervalMs: 1 });
tell({ status: run.status, answer: (await answer(client, thread)).value });
