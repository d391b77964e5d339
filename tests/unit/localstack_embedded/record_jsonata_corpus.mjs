// Records in jsonata_corpus.json what JSONata's reference implementation answers.
//
//     cd "$(mktemp -d)" && npm install jsonata@2.2.2
//     node …/record_jsonata_corpus.mjs …/jsonata_corpus.json
//
// Each case gets one of `result`, `undefined`, `error` (the code) and `unsupported` (a value that
// JSON cannot express: a function, or a number out of range).

import { createHash, randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.cwd()}/`);
const jsonata = require("jsonata");
const [path] = process.argv.slice(2);
const corpus = JSON.parse(readFileSync(path, "utf8"));

const check = (condition, text) => {
  if (!condition) throw Object.assign(new Error(text), { code: "AWS" });
};

// AWS's functions, from their description in Step Functions' documentation.
const added = {
  partition(values, size) {
    check(Array.isArray(values) && Number.isInteger(size) && size > 0, "$partition");
    const parts = [];
    for (let start = 0; start < values.length; start += size) {
      parts.push(values.slice(start, start + size));
    }
    return parts;
  },
  range(first, last, step) {
    check([first, last, step].every(Number.isFinite) && step !== 0, "$range");
    const count = Math.max(0, Math.floor((last - first) / step) + 1);
    return Array.from({ length: count }, (_, index) => first + index * step);
  },
  hash(text, algorithm) {
    const algorithms = ["MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512"];
    check(typeof text === "string" && algorithms.includes(algorithm), "$hash");
    return createHash(algorithm.replace("-", "").toLowerCase()).update(text).digest("hex");
  },
  random: (seed) => (seed === undefined ? Math.random() : (seed * 0.618) % 1),
  uuid: () => randomUUID(),
  parse(text) {
    check(typeof text === "string", "$parse");
    return JSON.parse(text);
  },
};

function unsupported(value) {
  if (typeof value === "function" || (typeof value === "number" && !Number.isFinite(value))) {
    return true;
  }
  if (Array.isArray(value)) return value.some(unsupported);
  if (value === null || typeof value !== "object") return false;
  return "_jsonata_function" in value || "_jsonata_lambda" in value
    || value instanceof RegExp || Object.values(value).some(unsupported);
}

async function outcome({ input, expression }) {
  try {
    const program = jsonata(expression);
    for (const [name, implementation] of Object.entries(added)) {
      program.registerFunction(name, implementation);
    }
    const value = await program.evaluate(undefined, { states: { input: corpus.inputs[input] } });
    if (value === undefined) return { undefined: true };
    return unsupported(value) ? { unsupported: true } : { result: value };
  } catch (error) {
    return { error: error.code ?? error.name };
  }
}

const lines = [];
for (const { input, expression } of corpus.cases) {
  lines.push(JSON.stringify({ input, expression, ...(await outcome({ input, expression })) }));
}
const inputs = Object.entries(corpus.inputs).map(
  ([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`,
);
writeFileSync(
  path,
  `{"inputs": {\n${inputs.join(",\n")}\n},\n"cases": [\n${lines.join(",\n")}\n]}\n`,
);
