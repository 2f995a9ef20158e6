// An evaluation of a function of one's own, with evaluators on both sides, and again after a change.
import { assert, client, done } from "./client.mjs";

// The package draws over its own lines, which only a terminal can: elsewhere, as in CI, it ends with an error.
process.stdout.moveCursor ??= () => true;
process.stdout.clearScreenDown ??= () => true;

await client.evaluators.upsert({
  path: "node/Exact",
  spec: {
    evaluatorType: "python",
    argumentsType: "target_required",
    returnType: "boolean",
    code: "def exact(log, testcase):\n    return log['output'] == testcase['target']['output']\n",
  },
});
const dataset = {
  path: "node/Sums",
  datapoints: [0, 1, 2, 3].map((n) => ({ inputs: { a: `${n}`, b: "1" }, target: { output: `${n + 1}` } })),
};
const run = (callable, release) =>
  client.evaluations.run({
    name: "Sums",
    file: { path: "node/Add", type: "flow", callable, version: { attributes: { release } } },
    dataset,
    evaluators: [
      { path: "node/Exact", threshold: 0.9 },
      {
        path: "node/Short",
        argsType: "target_free",
        returnType: "number",
        callable: ({ log }) => (log.output ?? "").length,
      },
    ],
  });

await run(({ a }) => (a === "3" ? "wrong" : `${Number(a) + 1}`), 1);
const checks = await run(({ a, b }) => `${Number(a) + Number(b)}`, 2);
const exact = checks.find((check) => check.path === "node/Exact");
assert.equal(exact.score, 1);
assert.equal(exact.thresholdCheck, true);
const file = await client.files.retrieveByPath({ path: "node/Add" });
const evaluations = [];
for await (const each of await client.evaluations.list({ fileId: file.id })) evaluations.push(each);
assert.deepEqual(evaluations.map((each) => each.name), ["Sums"]);
assert.equal(evaluations[0].runsCount, 2);
done("evaluations");
