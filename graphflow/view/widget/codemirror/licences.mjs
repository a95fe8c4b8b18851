// Print THIRD_PARTY_LICENSES.md: every package in the built file, its version and its licence.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";

const lock = JSON.parse(readFileSync("package-lock.json", "utf8")).packages;
const bundled = Object.entries(lock).filter(([path, entry]) => path && !entry.dev);
const hash = createHash("sha256").update(readFileSync("built/editor.js")).digest("hex");
const lines = ["# Licences of what is bundled in `built/editor.js`", "",
  "Made by `build.sh` from `src.js` (graphflow's own) and the packages below.", "",
  `SHA-256 of \`built/editor.js\`: \`${hash}\``, "", "| package | version | licence |",
  "|---|---|---|"];
const texts = new Map();
for (const [path, { version, license }] of bundled) {
  const name = path.replace(/^.*node_modules\//, "");
  lines.push(`| ${name} | ${version} | ${license} |`);
  const file = readdirSync(path).find((entry) => /^licen[cs]e/i.test(entry));
  const text = readFileSync(`${path}/${file}`, "utf8").trim().replace(/[ \t]+$/gm, "");
  texts.set(text, [...(texts.get(text) ?? []), name]);
}
for (const [text, owners] of texts) lines.push("", `## ${owners.join(", ")}`, "", "```", text, "```");
console.log(lines.join("\n"));
