// A client as users of the package make one, and what every script here needs.
import assert from "node:assert/strict";
import humanloop from "humanloop";

export { assert };
export const values = JSON.parse(process.argv[2] ?? "{}");
export const client = new humanloop.HumanloopClient({
  apiKey: process.env.HUMANLOOP_API_KEY,
  baseUrl: process.env.HUMANLOOP_BASE_URL,
});

/** Says that the script has come to its end: the last line that it prints. */
export function done(script) {
  console.log(JSON.stringify({ done: script }));
}

/** What `look` returns, once it returns something: spans arrive a moment after their function has returned. */
export async function eventually(look) {
  for (let tries = 0; tries < 100; tries += 1) {
    const found = await look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`nothing came of ${look}`);
}
