import { OpenAI, tell } from "./sdk.mjs";

// The fake has nothing but the Assistants API: whoever asks for more is told, at once.
const error = await new OpenAI().responses.create({ model: "gpt-4o", input: "Hi?" }).catch((error) => error);
tell({ name: error.constructor.name, status: error.status, message: error.message });
