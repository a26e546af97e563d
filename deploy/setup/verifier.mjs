/**
 * Builds the browser verifier: one file with its script and style inside, which needs no network.
 * `node deploy/setup/verifier.mjs [FILE]`, by default build/verify.html; says its SHA-256.
 * The same sources and the same locked packages give the same file.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SOURCES = resolve(ROOT, "client_sdk/browser");
const target = resolve(process.argv[2] ?? resolve(ROOT, "build/verify.html"));

/** Digest of an inline part, as a Content-Security-Policy names it. */
const named = (text) => `'sha256-${createHash("sha256").update(text, "utf8").digest("base64")}'`;

async function bundle() {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: [resolve(SOURCES, "main.js")],
    bundle: true,
    format: "iife",
    minify: true,
    charset: "utf8",
    legalComments: "eof",
    target: ["chrome111", "firefox119", "safari16.4"],
    write: false,
  });
  const script = outputFiles[0].text;
  // Either would end or hide the script for a parser of HTML.
  if (/<\/script|<!--/i.test(script)) throw new Error("the script cannot stand in a page");
  return script;
}

const template = await readFile(resolve(SOURCES, "page.html"), "utf8");
const style = await readFile(resolve(SOURCES, "page.css"), "utf8");
const script = await bundle();
const policy = [
  "default-src 'none'", `script-src ${named(script)}`, `style-src ${named(style)}`,
  "img-src data:", "worker-src blob:", "base-uri 'none'", "form-action 'none'",
].join("; ");
const parts = { policy, style, script };
const page = template.replace(/\{\{(\w+)\}\}/g, (_, name) => parts[name]);
await mkdir(dirname(target), { recursive: true });
await writeFile(`${target}.new`, page);
await rename(`${target}.new`, target); // whoever opens it meanwhile sees one whole file
const digest = createHash("sha256").update(page, "utf8").digest("hex");
console.log(`${digest}  ${process.argv[2] ?? "build/verify.html"}`);
