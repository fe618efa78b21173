/**
 * Build the page: everything in src/ becomes the four files that the Python package serves.
 *
 *     node build.mjs FOLDER
 *
 * The same source gives the same bytes on every machine: no source maps, no times, no paths. `make page-check` relies on it.
 */
import { build } from "esbuild";
import { copyFile, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const target = resolve(process.argv[2] ?? join(here, "../runner/service/page/static"));

await mkdir(target, { recursive: true });
const { metafile } = await build({
  absWorkingDir: here,
  entryPoints: [
    { in: "src/main.js", out: "page" },
    { in: "src/styles/page.css", out: "page" },
  ],
  outdir: target,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["chrome111", "firefox113", "safari16.4"],
  charset: "utf8",
  legalComments: "none", // licences.txt has them, in full
  metafile: true,
  logLevel: "warning",
});
await copyFile(join(here, "src/index.html"), join(target, "index.html"));
await writeFile(join(target, "licences.txt"), await licences(Object.keys(metafile.inputs)));

/** Return the licence of each package that is in the built files, in the order of the names. */
async function licences(inputs) {
  const packages = new Set(inputs.map((path) => /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]));
  packages.delete(undefined);
  const texts = ["The page of kable-destination contains these packages. Each is followed by its licence.\n"];
  for (const name of [...packages].sort()) {
    const folder = join(here, "node_modules", name);
    const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    if (!file) throw new Error(`${name} has no file with its licence: add the text, or leave the package out`);
    const text = (await readFile(join(folder, file), "utf8")).replaceAll("\r\n", "\n").trim();
    texts.push(`${"=".repeat(80)}\n${name} ${version} (${license})\n${"=".repeat(80)}\n\n${text}\n`);
  }
  return texts.join("\n");
}
