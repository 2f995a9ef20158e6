// Files of every kind: written, read, moved, deployed, listed and deleted.
import humanloop from "humanloop";
import { assert, client, done } from "./client.mjs";

const prompt = await client.prompts.upsert({
  path: "node/Greeting",
  model: "gpt-4o-mini",
  endpoint: "chat",
  temperature: 0.5,
  template: [{ role: "system", content: "Greet {{name}} in {{language}}." }],
  versionName: "first",
  versionDescription: "As short as can be.",
});
assert.equal(prompt.path, "node/Greeting");
assert.deepEqual(prompt.inputs.map((input) => input.name).sort(), ["language", "name"]);
const same = await client.prompts.upsert({
  path: "node/Greeting",
  template: [{ content: "Greet {{name}} in {{language}}.", role: "system" }],
  temperature: 0.5,
  model: "gpt-4o-mini",
});
assert.equal(same.versionId, prompt.versionId);
const next = await client.prompts.upsert({ path: "node/Greeting", model: "gpt-4o", template: prompt.template });
assert.notEqual(next.versionId, prompt.versionId);
assert.equal((await client.prompts.get(prompt.id)).versionId, prompt.versionId, "the first one is deployed");

const environments = await client.prompts.listEnvironments(prompt.id);
const production = environments.find((environment) => environment.tag === "default");
await client.prompts.setDeployment(prompt.id, production.id, { versionId: next.versionId });
assert.equal((await client.prompts.get(prompt.id)).versionId, next.versionId);
const named = await client.prompts.get(prompt.id, { versionId: prompt.versionId });
assert.equal(named.versionName, "first");
const filled = await client.prompts.populate(prompt.id, { body: { name: "Ann", language: "French" } });
assert.equal(filled.populatedTemplate[0].content, "Greet Ann in French.");
assert.equal((await client.prompts.listVersions(prompt.id)).records.length, 2);
await client.prompts.move(prompt.id, { path: "node/moved/Greeting" });
const found = await client.files.retrieveByPath({ path: "node/moved/Greeting" });
assert.equal(found.id, prompt.id);

const tool = await client.tools.upsert({
  path: "node/Weather",
  function: {
    name: "weather",
    description: "Tells the weather.",
    parameters: { type: "object", properties: { town: { type: "string" } }, required: ["town"] },
  },
});
assert.equal(tool.function.name, "weather");
const dataset = await client.datasets.upsert({
  path: "node/Questions",
  datapoints: [1, 2, 3].map((n) => ({ inputs: { question: `${n}?` }, target: { answer: `${n}` } })),
});
assert.equal(dataset.datapointsCount, 3);
const rows = [];
for await (const row of await client.datasets.listDatapoints(dataset.id)) rows.push(row);
assert.deepEqual(rows.map((row) => row.inputs.question).sort(), ["1?", "2?", "3?"]);
const uploaded = await client.datasets.uploadCsv(
  new File(["question,target.answer\n4?,4\n"], "more.csv", { type: "text/csv" }),
  dataset.id,
  {},
);
assert.equal(uploaded.datapointsCount, 4);
const evaluator = await client.evaluators.upsert({
  path: "node/Exact",
  spec: {
    evaluatorType: "python",
    argumentsType: "target_required",
    returnType: "boolean",
    code: "def exact(log, testcase):\n    return log['output'] == testcase['target']['output']\n",
  },
});
assert.equal(evaluator.spec.returnType, "boolean");
const flow = await client.flows.upsert({ path: "node/Answer", attributes: { release: 1 } });
assert.deepEqual(flow.attributes, { release: 1 });

const kinds = new Set();
const listed = await client.files.listFiles({ size: 50 });
for (const file of listed.records) if (file.path.startsWith("node/")) kinds.add(file.type);
assert.deepEqual([...kinds].sort(), ["dataset", "evaluator", "flow", "prompt", "tool"]);
const directory = await client.directories.create({ path: "node/drawer" });
assert.ok((await client.directories.list()).some((each) => each.id === directory.id));
await client.directories.delete(directory.id);
await client.prompts.delete(prompt.id);
await assert.rejects(client.prompts.get(prompt.id), (error) => {
  assert.ok(error instanceof humanloop.HumanloopError);
  assert.equal(error.statusCode, 404);
  return true;
});
await assert.rejects(client.prompts.upsert({ path: "node/x", model: 7 }));
done("files");
