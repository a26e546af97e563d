/**
 * Judges every case of a corpus with the browser's modules, in Node.
 * `node run_corpus.mjs FOLDER` prints a JSON object: number → report (or {error}).
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { verify } from "../../../client_sdk/browser/verify.js";

const [folder] = process.argv.slice(2);
const blob = async (path) => new Blob([await readFile(join(folder, path))]);
const { cases } = JSON.parse(await readFile(join(folder, "expected.json"), "utf8"));
const found = {};
for (const one of cases) {
  try {
    const priors = await Promise.all(one.priors.map(blob));
    found[one.number] = await verify(await blob(one.dossier), await blob(one.trust), priors);
  } catch (error) {
    found[one.number] = { error: String(error?.stack ?? error) };
  }
}
process.stdout.write(JSON.stringify(found));
