// Logs of one's own, calls by the server, streams, feedback, and functions that are traced.
import { assert, client, done, eventually, values } from "./client.mjs";

// The package reads a fixed list of providers: one of the workspace has to have such a name.
const headers = { "x-api-key": process.env.HUMANLOOP_API_KEY, "content-type": "application/json" };
async function post(path, body) {
  const answer = await fetch(process.env.HUMANLOOP_BASE_URL + path, { method: "POST", headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, await answer.text());
}
await post("/providers", { name: "openai", base_url: values.endpoint, api_key: "k" });
const ask = { path: "node/Ask", model: "test", provider: "openai", template: [{ role: "user", content: "{{question}}" }] };
const prompt = await client.prompts.upsert(ask);
const logged = await client.prompts.log({
  path: "node/Ask",
  inputs: { question: "Why?" },
  output: "Because.",
  source: "node",
  startTime: new Date("2026-01-01T00:00:00Z"),
  endTime: new Date("2026-01-01T00:00:02Z"),
});
assert.equal(logged.versionId, prompt.versionId);
const log = await client.logs.get(logged.id);
assert.equal(log.output, "Because.");
assert.equal(log.prompt.path, "node/Ask");
await client.prompts.updateLog(prompt.id, logged.id, { output: "Because of that." });
const pages = await client.logs.list({ fileId: prompt.id, size: 10 });
const outputs = [];
for await (const each of pages) outputs.push(each.output);
assert.deepEqual(outputs, ["Because of that."]);

await client.evaluators.upsert({
  path: "node/Rating",
  spec: {
    evaluatorType: "human",
    argumentsType: "target_free",
    returnType: "select",
    options: [{ name: "good", valence: "positive" }, { name: "bad", valence: "negative" }],
    instructions: "Is it good?",
  },
});
const judged = await client.evaluators.log({ parentId: logged.id, path: "node/Rating", judgment: "good" });
assert.equal(judged.parentId, logged.id);
assert.equal((await client.logs.get(logged.id)).evaluatorLogs[0].judgment, "good");

const called = await client.prompts.call({ path: "node/Ask", inputs: { question: "ECHO<yes>" } });
assert.equal(called.logs[0].output, "yes");
await post("/prompts", {
  path: "node/Streamed",
  model: "practice-1",
  provider: "practice",
  template: [{ role: "user", content: "Say something about {{question}}" }],
});
let streamed = "";
for await (const piece of await client.prompts.callStream({ path: "node/Streamed", inputs: { question: "tea" } })) {
  streamed += piece.output;
}
assert.ok(streamed.length > 0);

const look = client.tool({
  path: "node/Look up",
  version: {
    function: {
      name: "look",
      description: "Looks it up.",
      parameters: { type: "object", properties: { word: { type: "string" } }, required: ["word"] },
    },
  },
  callable: async ({ word }) => `found ${word}`,
});
const answer = client.flow({
  path: "node/Traced",
  attributes: { release: 2 },
  callable: async ({ question }) => {
    await client.prompts.log({ path: "node/Ask", inputs: { question }, output: "inner" });
    return look({ word: question });
  },
});
assert.equal(await answer({ question: "moon" }), "found moon");
const flow = await client.files.retrieveByPath({ path: "node/Traced" });
const root = await eventually(async () => {
  const traces = await client.logs.list({ fileId: flow.id, size: 10 });
  return traces.data.find((each) => each.output && each.logStatus === "complete");
});
assert.equal(root.output, "found moon");
const kinds = await eventually(async () => {
  const { traceChildren } = await client.logs.get(root.id);
  return traceChildren.length === 2 && traceChildren.map((child) => (child.tool ? "tool" : "prompt")).sort();
});
assert.deepEqual(kinds, ["prompt", "tool"]);
await client.logs.delete({ id: [logged.id] });
await assert.rejects(client.logs.get(logged.id));
done("logs");
