// Bundles the page into ../xrm_core/server/graphiql: index.html, assets/ (hashed names) and THIRD_PARTY_LICENSES.txt.
// How to run it: README.md.
import { build } from "esbuild";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

const here = import.meta.dirname;
const target = resolve(process.argv[2] ?? join(here, "../xrm_core/server/graphiql"));
const assets = join(target, "assets");

// GraphiQL's stylesheet already holds Monaco's, and embeds web fonts the system's own can stand in for (app.css).
const styles = {
  name: "styles",
  setup(bundle) {
    bundle.onLoad({ filter: /monaco-editor\/esm\/.*\.css$/ }, () => ({ contents: "", loader: "empty" }));
    bundle.onLoad({ filter: /graphiql\/dist\/style\.css$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replace(/@font-face\s*\{\s*font-family:\s*["']?(Roboto|Fira Code)[^}]*\}/g, ""),
      loader: "css",
    }));
  },
};

const shared = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  target: "es2022",
  outdir: assets,
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  define: { "process.env.NODE_ENV": '"production"' },
  legalComments: "none", // the licences stand in THIRD_PARTY_LICENSES.txt
  metafile: true,
  logLevel: "warning",
  plugins: [styles],
};

/** The file names esbuild gave to the entry points, by the entry's own name. */
function entries(result) {
  return Object.fromEntries(
    Object.entries(result.metafile.outputs)
      .filter(([, output]) => output.entryPoint)
      .map(([file, { entryPoint, cssBundle }]) => [basename(entryPoint), { js: basename(file), css: cssBundle && basename(cssBundle) }]),
  );
}

/** Name, version, licence and licence text of every package of which the bundles hold a part. */
function licences(results) {
  const folders = new Set(
    results
      .flatMap((result) => Object.values(result.metafile.outputs))
      .flatMap((output) => Object.entries(output.inputs))
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([file]) => resolve(here, file).match(/^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0])
      .filter(Boolean),
  );
  const packages = [...folders].map((folder) => {
    const { name, version, license, author, repository } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const text = readdirSync(folder)
      .filter((file) => /^(licen[cs]e|notice|copying|third-?party-?notices)/i.test(file))
      .sort()
      .map((file) => readFileSync(join(folder, file), "utf8").replaceAll("\r\n", "\n").trim())
      .join("\n\n");
    const title = `${name} ${version} (${license})`;
    return { title, text, author: author?.name ?? author, repository: repository?.url ?? name };
  });
  // Some packages leave their licence text to a sibling from the same repository.
  const notices = packages.map(({ title, text, author, repository }) => {
    const sibling = packages.find((other) => other.text && other.repository === repository);
    const absent = `The package names its licence but carries no text of it. Author: ${author ?? "not named"}.`;
    return { title, text: text || sibling?.text || absent };
  });
  notices.sort((a, b) => (a.title < b.title ? -1 : 1));
  const intro =
    "The files in assets/ hold parts of the packages below, bundled by graphiql/build.mjs of this project.\n" +
    "The icon font embedded in the stylesheet is Codicons by Microsoft, licensed under CC BY 4.0.\n";
  const line = "=".repeat(80);
  return [intro, ...notices.map(({ title, text }) => `${line}\n${title}\n${line}\n\n${text}\n`)].join("\n");
}

if (existsSync(assets)) rmSync(assets, { recursive: true });
mkdirSync(assets, { recursive: true });

// Workers first: the page has to know their hashed names.
const workers = await build({
  ...shared,
  entryPoints: [
    "monaco-editor/esm/vs/editor/editor.worker.js",
    "monaco-editor/esm/vs/language/json/json.worker.js",
    "monaco-graphql/esm/graphql.worker.js",
  ],
  format: "iife",
});
const workerFile = entries(workers);

const page = await build({
  ...shared,
  entryPoints: ["src/app.jsx"],
  format: "esm",
  splitting: true,
  jsx: "automatic",
  // The former names lead to CommonJS files, of which a dynamic import would see no named export ("parsers").
  alias: { "prettier/parser-graphql": "prettier/plugins/graphql", "prettier/parser-babel": "prettier/plugins/babel" },
  define: {
    ...shared.define,
    WORKERS: JSON.stringify({
      editor: workerFile["editor.worker.js"].js,
      json: workerFile["json.worker.js"].js,
      graphql: workerFile["graphql.worker.js"].js,
    }),
  },
});
const { js, css } = entries(page)["app.jsx"];

const html = readFileSync(join(here, "src/index.html"), "utf8").replace("{{css}}", css).replace("{{js}}", js);
writeFileSync(join(target, "index.html"), html);
writeFileSync(join(target, "THIRD_PARTY_LICENSES.txt"), licences([workers, page]));
