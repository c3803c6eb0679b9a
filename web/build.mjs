// Bundles the pages' sources, three.js and the styles into a script each: node build.mjs [FOLDER]
import { build } from "esbuild";
import { fileURLToPath } from "node:url";
import path from "node:path";

const here = path.dirname(fileURLToPath(import.meta.url));
const folder = process.argv[2] ?? path.join(here, "..", "src", "farandole", "view", "assets");

await build({
  entryPoints: { viewer: path.join(here, "src", "main.ts"), live: path.join(here, "src", "live", "main.ts") },
  outdir: folder,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2022"],
  charset: "utf8",
  loader: { ".css": "text" },
  legalComments: "eof", // three.js is MIT: its notice travels with every page
  logLevel: "warning",
});
