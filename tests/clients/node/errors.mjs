import { OpenAI, begin, tell, within } from "./sdk.mjs";

const client = new OpenAI();
const caught = async (request) => {
  try {
    return await request;
  } catch (error) {
    return { name: error.constructor.name, status: error.status, message: error.message };
  }
};

const { thread, assistant_id } = await begin(client, "Hi?");
const missing = await caught(client.beta.assistants.retrieve("asst_doesnotexist0000000000"));
const run = await client.beta.threads.runs.create(thread.id, { assistant_id });
const locked = await caught(client.beta.threads.messages.create(thread.id, { role: "user", content: "Hello?" }));
const cancelled = await client.beta.threads.runs.cancel(...within({ thread_id: thread.id }, run.id));
tell({ thread: thread.id, run: run.id, missing, locked, cancelled: cancelled.status });
