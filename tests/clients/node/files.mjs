import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { OpenAI, answer, begin, tell, toFile } from "./sdk.mjs";

const client = new OpenAI();
const file = await client.files.create({ file: createReadStream(process.argv[2]), purpose: "assistants" });
const named = await client.files.create({ file: await toFile(Buffer.from("…"), "날씨 보고.csv"), purpose: "assistants" });
const listed = [];
for await (const each of client.files.list()) listed.push(each.filename);

// only what a run made can be downloaded
const { thread, assistant_id } = await begin(client, "Draw it.", {
  tools: [{ type: "code_interpreter" }],
  tool_resources: { code_interpreter: { file_ids: [file.id, named.id] } },
});
await client.beta.threads.runs.createAndPoll(thread.id, { assistant_id }, { pollIntervalMs: 1 });
const [annotation] = (await answer(client, thread)).annotations;
const content = await client.files.content(annotation.file_path.file_id);

tell({
  filename: file.filename,
  bytes: file.bytes,
  listed,
  sha256: createHash("sha256").update(Buffer.from(await content.arrayBuffer())).digest("hex"),
});
