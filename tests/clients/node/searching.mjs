import { createReadStream } from "node:fs";
import { OpenAI, answer, begin, tell } from "./sdk.mjs";

const client = new OpenAI();
const store = await client.vectorStores.create({ name: "Library" });
const batch = await client.vectorStores.fileBatches.uploadAndPoll(store.id, {
  files: [createReadStream(process.argv[2])],
});
const { thread, assistant_id } = await begin(client, "When do you close?", {
  tools: [{ type: "file_search" }],
  tool_resources: { file_search: { vector_store_ids: [store.id] } },
});
await client.beta.threads.runs.createAndPoll(thread.id, { assistant_id });
const text = await answer(client, thread);
const cited = await client.files.retrieve(text.annotations[0].file_citation.file_id);
tell({ batch: [batch.status, batch.file_counts.completed], text: text.value, cited: cited.filename });
