// Prints the size of dist/kith.min.js as a browser loads it, and fails when it is above the budget.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const budget = 12 * 1024;
const file = new URL('../dist/kith.min.js', import.meta.url);
const text = readFileSync(file);
const size = gzipSync(text, { level: 9 }).length;
console.log(`kith.min.js: ${text.length} bytes minified, ${size} gzipped; the budget is ${budget}`);
if (size > budget) {
  console.error(`kith.min.js is ${size - budget} bytes above the budget`);
  process.exitCode = 1;
}
