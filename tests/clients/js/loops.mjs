// Tool loops of OpenAI's and OpenRouter's clients for JavaScript, held as tests/clients/worker.py
// asks for them: a line of JSON in names the way, lines out are the functions to call and the text.
import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { createOpenRouter } from "@openrouter/ai-sdk-provider";
import { OpenRouter } from "@openrouter/sdk";
import { generateText, isStepCount, jsonSchema, streamText, tool } from "ai";
import OpenAI from "openai";

globalThis.AI_SDK_LOG_WARNINGS = false;

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const heard = async () => (await lines.next()).value;
const tell = (said) => process.stdout.write(`${JSON.stringify(said)}\n`);

// One call after the other, in the order in which the client makes them.
let before = Promise.resolve();
const call = (name, args) => {
  before = before.then(async () => {
    tell({ name, arguments: args });
    return JSON.parse(await heard());
  });
  return before;
};

const client = ({ url }) => new OpenAI({ baseURL: `${url}/v1`, apiKey: "any", maxRetries: 0 });
const byHand = (content, calls) => ({
  role: "assistant",
  content: content || null,
  ...(calls.length && { tool_calls: calls }),
});

// Asks until a text comes.  An answer is { message, calls, text, ending }.
async function converse({ asked }, ask) {
  const messages = [{ role: "user", content: asked }];
  for (;;) {
    const { message, calls, text, ending } = await ask(messages);
    assert.equal(ending, calls.length ? "tool_calls" : "stop");
    if (!calls.length) return text;
    messages.push(message);
    for (const { id, function: { name, arguments: args } } of calls) {
      const done = await call(name, JSON.parse(args));
      messages.push({ role: "tool", tool_call_id: id, content: JSON.stringify(done) });
    }
  }
}

// The same for `create`, with the message as it came or as `kept` makes it.
const created = (wish, kept) => converse(wish, async (messages) => {
  const { model, tools } = wish;
  const { choices: [choice] } = await client(wish).chat.completions.create({ model, tools, messages });
  const { tool_calls: calls = [], content } = choice.message;
  return { message: kept(choice.message), calls, text: content, ending: choice.finish_reason };
});

const openai = {
  pushed: (wish) => created(wish, (message) => message),
  byHand: (wish) => created(wish, ({ content, tool_calls: calls = [] }) => byHand(
    content,
    calls.map(({ id, type, function: { name, arguments: args } }) => (
      { id, type, function: { name, arguments: args } })),
  )),
  streamed: (wish) => converse(wish, async (messages) => {
    const { model, tools } = wish;
    const stream = await client(wish).chat.completions.create({ model, tools, messages, stream: true });
    const calls = [];
    let text = "";
    let ending = null;
    for await (const { choices: [choice] } of stream) {
      if (!choice) continue;
      text += choice.delta.content ?? "";
      ending = choice.finish_reason ?? ending;
      for (const { index, ...delta } of choice.delta.tool_calls ?? []) {
        calls[index] ??= { id: delta.id, type: delta.type, function: { name: "", arguments: "" } };
        calls[index].function.name += delta.function?.name ?? "";
        calls[index].function.arguments += delta.function?.arguments ?? "";
      }
    }
    return { message: byHand(text, calls), calls, text, ending };
  }),
  streamHelper: (wish) => converse(wish, async (messages) => {
    const { model, tools } = wish;
    const stream = client(wish).chat.completions.stream({ model, tools, messages });
    const { choices: [choice] } = await stream.finalChatCompletion();
    const { tool_calls: calls = [], content } = choice.message;
    return { message: choice.message, calls, text: content, ending: choice.finish_reason };
  }),
  runTools: (wish) => ranTools(wish, false),
  runToolsStreamed: (wish) => ranTools(wish, true),
};

// The client calls the functions itself.
function ranTools(wish, stream) {
  const tools = wish.tools.map(({ function: { name, description, parameters } }) => ({
    type: "function",
    function: {
      name, description, parameters, parse: JSON.parse, function: (args) => call(name, args),
    },
  }));
  const messages = [{ role: "user", content: wish.asked }];
  return client(wish).chat.completions.runTools({ model: wish.model, messages, tools, stream }).finalContent();
}

// The Vercel AI SDK, with each provider that speaks this API.
const providers = {
  openai: ({ url }) => createOpenAI({ baseURL: `${url}/v1`, apiKey: "any" }).chat,
  google: ({ url }) => createOpenAICompatible({ name: "google", baseURL: `${url}/v1`, apiKey: "any" }),
  compatible: ({ url }) => createOpenAICompatible({ name: "mine", baseURL: `${url}/v1`, apiKey: "any" }),
  openrouter: ({ url }) => createOpenRouter({ baseURL: `${url}/api/v1`, apiKey: "any" }),
};

function vercel(wish, model) {
  return {
    model,
    prompt: wish.asked,
    maxRetries: 0,
    stopWhen: isStepCount(9),
    tools: Object.fromEntries(wish.tools.map(({ function: { name, description, parameters } }) => [
      name,
      tool({ description, inputSchema: jsonSchema(parameters), execute: (args) => call(name, args) }),
    ])),
  };
}

const whole = async (wish, model) => (await generateText(vercel(wish, model))).text;
const streamed = async (wish, model) => {
  let failed;
  const result = streamText({ ...vercel(wish, model), onError: ({ error }) => { failed = error; } });
  let text = "";
  for await (const piece of result.textStream) text += piece;
  if (failed) throw failed;
  return text;
};

// OpenRouter's own client looks at every answer with a schema; `tools` are told in its own words.
const router = ({ url }) => new OpenRouter({ apiKey: "any", serverURL: `${url}/api/v1`, retryConfig: { strategy: "none" } });
const theirs = (calls) => calls.map(({ id, type, function: made }) => ({ id, type, function: made }));
const openrouter = {
  whole: (wish) => converse(wish, async (messages) => {
    const { choices: [choice] } = await router(wish).chat.send({
      chatRequest: { model: wish.model, tools: wish.tools, messages: messages.map(camel) },
    });
    const { toolCalls: calls = [], content } = choice.message;
    return { message: choice.message, calls, text: content, ending: choice.finishReason };
  }),
  streamed: (wish) => converse(wish, async (messages) => {
    const stream = await router(wish).chat.send({
      chatRequest: { model: wish.model, tools: wish.tools, messages: messages.map(camel), stream: true },
    });
    const calls = [];
    let text = "";
    let ending = null;
    for await (const { choices: [choice], error } of stream) {
      if (error) throw new Error(error.message); // the client leaves this to its user
      if (!choice) continue;
      text += choice.delta.content ?? "";
      ending = choice.finishReason ?? ending;
      for (const { index, ...delta } of choice.delta.toolCalls ?? []) {
        calls[index] ??= { id: delta.id, type: delta.type, function: { name: "", arguments: "" } };
        calls[index].function.name += delta.function?.name ?? "";
        calls[index].function.arguments += delta.function?.arguments ?? "";
      }
    }
    const message = { role: "assistant", content: text, ...(calls.length && { toolCalls: theirs(calls) }) };
    return { message, calls, text, ending };
  }),
};
const camel = ({ tool_call_id: id, ...message }) => (id ? { ...message, toolCallId: id } : message);

function held(wish) {
  const [family, name, mode] = wish.way.split(" ");
  if (family === "openai") return openai[name](wish);
  if (family === "openrouter") return openrouter[name](wish);
  return { whole, streamed }[mode](wish, providers[name](wish)(wish.model));
}

for (let line = await heard(); line !== undefined; line = await heard()) {
  before = Promise.resolve();
  try {
    tell({ text: await held(JSON.parse(line)) });
  } catch (error) {
    tell({ error: `${error.stack}\n${error.responseBody ?? error.rawMessage ?? ""}` });
  }
}
