// Tool loops of @google/genai, its functions called by hand.  GEMINID_URL names the running server,
// GEMINID_LOOPS holds the conversations that its models play (tests/clients/agents.py).
import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, GoogleGenAI } from "@google/genai";

const ai = new GoogleGenAI({ apiKey: "any", httpOptions: { baseUrl: process.env.GEMINID_URL } });
const loops = JSON.parse(process.env.GEMINID_LOOPS);

const declared = (name, ...fields) => ({
  name,
  parametersJsonSchema: {
    type: "object",
    properties: Object.fromEntries(fields.map((field) => [field, { type: "string" }])),
    required: fields,
  },
});
const tools = [{
  functionDeclarations: [
    declared("check_flight", "flight"),
    declared("book_taxi", "time"),
    declared("send_mail", "to", "subject"),
    declared("check_weather", "city"),
  ],
}];

// One answer as a content: that of the whole answer, or all parts of a stream in their order.
async function generate(model, contents, streamed) {
  const request = { model, contents, config: { tools } };
  if (!streamed) return (await ai.models.generateContent(request)).candidates[0].content;
  const parts = [];
  for await (const chunk of await ai.models.generateContentStream(request)) {
    parts.push(...(chunk.candidates[0].content.parts ?? []));
  }
  return { role: "model", parts };
}

const callsOf = (content) => content.parts.filter((part) => part.functionCall);
const textOf = (content) => content.parts.map((part) => part.text ?? "").join("");
const resultsOf = (content) => callsOf(content).map(({ functionCall: { id, name, args } }) => ({
  functionResponse: { id, name, response: { output: `${name} done with ${Object.values(args)}` } },
}));

async function converse(loop, streamed) {
  const contents = [{ role: "user", parts: [{ text: loop.asked }] }];
  const called = [];
  for (;;) {
    const content = await generate(loop.model, contents, streamed);
    if (!callsOf(content).length) return { contents, called, text: textOf(content) };
    called.push(...callsOf(content).map(({ functionCall: { name, args } }) => [name, args]));
    contents.push(content, { role: "user", parts: resultsOf(content) });
  }
}

for (const loop of loops) {
  for (const streamed of [false, true]) {
    const named = (what) => `${loop.name}, ${streamed ? "streamed" : "whole"}: ${what}`;

    test(named("functions are called until the text comes"), async () => {
      const { called, text } = await converse(loop, streamed);
      assert.deepEqual(called, loop.calls);
      assert.equal(text, loop.told);
    });

    test(named("a chat keeps what was signed"), async () => {
      const chat = ai.chats.create({ model: loop.model, config: { tools } });
      const send = async (message) => {
        if (!streamed) return (await chat.sendMessage({ message })).candidates[0].content;
        const parts = [];
        for await (const chunk of await chat.sendMessageStream({ message })) {
          parts.push(...(chunk.candidates[0].content.parts ?? []));
        }
        return { role: "model", parts };
      };
      const called = [];
      let content = await send(loop.asked);
      while (callsOf(content).length) {
        called.push(...callsOf(content).map(({ functionCall: { name, args } }) => [name, args]));
        content = await send(resultsOf(content));
      }
      assert.deepEqual(called, loop.calls);
      assert.equal(textOf(content), loop.told);
    });

    test(named("each lost signature is refused in the real words"), async () => {
      const { contents } = await converse(loop, streamed);
      const steps = contents.flatMap((content, at) => (callsOf(content).length ? [at] : []));
      assert.equal(steps.length, loop.signatures);
      for (const at of steps) {
        const edited = structuredClone(contents);
        const [first] = callsOf(edited[at]);
        delete first.thoughtSignature;
        await assert.rejects(generate(loop.model, edited, streamed), (error) => {
          assert.ok(error instanceof ApiError);
          assert.equal(error.status, 400);
          const said = loop.missing.replace("{name}", first.functionCall.name);
          assert.deepEqual(JSON.parse(error.message).error, {
            code: 400,
            message: said.replace("{position}", at + 1),
            status: "INVALID_ARGUMENT",
          });
          return true;
        });
      }
    });
  }
}
