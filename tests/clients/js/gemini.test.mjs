// @google/genai, as its users call it.  GEMINID_URL names the running server.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, GoogleGenAI } from "@google/genai";

const model = "gemini-3-pro-preview";
const baseUrl = process.env.GEMINID_URL;

for (const apiVersion of [undefined, "v1", "v1alpha"]) {
  const httpOptions = apiVersion ? { baseUrl, apiVersion } : { baseUrl };
  const ai = new GoogleGenAI({ apiKey: "any", httpOptions });
  const named = (what) => `${what} (${apiVersion ?? "default version"})`;

  test(named("generate answers and counts"), async () => {
    const response = await ai.models.generateContent({
      model, contents: "Say hello.", config: { maxOutputTokens: 16, seed: 1 },
    });
    assert.ok(response.text);
    assert.match(response.candidates[0].finishReason, /^(STOP|MAX_TOKENS)$/);
    const usage = response.usageMetadata;
    assert.equal(usage.totalTokenCount, usage.promptTokenCount + usage.candidatesTokenCount);
  });

  test(named("a stream comes in pieces and ends with a reason"), async () => {
    const stream = await ai.models.generateContentStream({
      model, contents: "Count from one to ten.", config: { maxOutputTokens: 24 },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    assert.ok(chunks.length > 2);
    assert.match(chunks.at(-1).candidates[0].finishReason, /^(STOP|MAX_TOKENS)$/);
  });

  test(named("a chat sends its history and system instruction"), async () => {
    const chat = ai.chats.create({
      model, config: { maxOutputTokens: 8, systemInstruction: "Be brief." },
    });
    const first = await chat.sendMessage({ message: "My name is Ada." });
    const second = await chat.sendMessage({ message: "What is my name?" });
    assert.ok(second.usageMetadata.promptTokenCount > first.usageMetadata.promptTokenCount);
    assert.equal(chat.getHistory().length, 4);
  });

  test(named("count, list and get"), async () => {
    const counted = await ai.models.countTokens({ model, contents: "How many tokens is this?" });
    assert.ok(counted.totalTokens > 5);
    const names = [];
    for await (const each of await ai.models.list({ config: { pageSize: 3 } })) names.push(each.name);
    assert.ok(names.includes(`models/${model}`));
    assert.equal((await ai.models.get({ model })).inputTokenLimit, 4095);
  });

  test(named("errors are the client's own"), async () => {
    await assert.rejects(
      ai.models.generateContent({ model: "gemini-nope", contents: "hi" }),
      (error) => error instanceof ApiError && error.status === 404,
    );
    await assert.rejects(
      ai.models.generateContentStream({ model: "gemini-nope", contents: "hi" }),
      (error) => error instanceof ApiError && error.status === 404,
    );
  });
}
