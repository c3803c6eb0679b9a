// Bundles src/main.ts, three.js and the styles into one script: node build.mjs [OUT]
import { build } from "esbuild";
import { fileURLToPath } from "node:url";
import path from "node:path";

const here = path.dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? path.join(here, "..", "src", "farandole", "view", "assets", "viewer.js");

await build({
  entryPoints: [path.join(here, "src", "main.ts")],
  outfile: out,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2022"],
  charset: "utf8",
  loader: { ".css": "text" },
  legalComments: "eof", // three.js is MIT: its notice travels with every page
  logLevel: "warning",
});
