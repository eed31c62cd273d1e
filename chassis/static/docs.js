// The API tried out from its description; without this file the page is a reference to read.
const { paths, components } = await (await fetch("/openapi.json")).json();
const token = document.querySelector("#token");
const signIn = document.querySelector("#sign-in");

async function call(method, address, headers, body) {
  const bearer = token.value.trim() ? { Authorization: `Bearer ${token.value.trim()}` } : {};
  return fetch(address, { method, headers: { Accept: "application/json", ...bearer, ...headers }, body });
}

// What a body of this schema must hold at least.
function example({ $ref, default: usual, const: only, enum: values, anyOf, oneOf, type, items, properties, required }) {
  if ($ref) return example(components.schemas[$ref.split("/").pop()]);
  const given = usual ?? only ?? values?.[0];
  if (given !== undefined) return given;
  if (anyOf ?? oneOf) return example((anyOf ?? oneOf)[0]);
  if (type === "array") return items ? [example(items)] : [];
  if (type === "object") return Object.fromEntries((required ?? []).map((name) => [name, example(properties[name])]));
  return { string: "", integer: 0, number: 0, boolean: false }[type] ?? null;
}

function copied(template) {
  return document.querySelector(template).content.firstElementChild.cloneNode(true);
}

function field({ name, in: place, required }) {
  const asked = copied("#parameter");
  const input = asked.querySelector("input");
  asked.querySelector("span").textContent = `${name} (${place})`;
  Object.assign(input, { name, required: Boolean(required) });
  input.dataset.in = place;
  return asked;
}

function filledIn(form, path) {
  const said = { path: {}, query: {}, header: {} };
  for (const input of form.querySelectorAll("input")) {
    if (input.value) said[input.dataset.in][input.name] = input.value;
  }
  const place = path.replace(/{(\w+)}/g, (_, name) => encodeURIComponent(said.path[name]));
  const query = new URLSearchParams(said.query).toString();
  return { address: query ? `${place}?${query}` : place, headers: said.header };
}

function readable(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

async function show(form, asking) {
  const [status, headers, body] = form.querySelectorAll("output, pre");
  try {
    const answer = await asking;
    headers.textContent = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    body.textContent = readable(await answer.text());
    status.textContent = `${answer.status} ${answer.statusText}`;
  } catch (error) {
    status.textContent = `No answer: ${error.message}`;
    headers.textContent = body.textContent = "";
  }
}

function trial(method, path, { parameters = [], requestBody }) {
  const form = copied("#trial");
  const body = form.querySelector("textarea");
  const content = requestBody?.content ?? {};
  const type = "application/json" in content ? "application/json" : Object.keys(content)[0];
  form.querySelector(".parameters").append(...parameters.map(field));
  if (type) body.value = JSON.stringify(example(content[type].schema), null, 2);
  else body.closest("p").remove();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { address, headers } = filledIn(form, path);
    if (type) headers["Content-Type"] = type;
    show(form, call(method.toUpperCase(), address, headers, type && body.value));
  });
  return form;
}

signIn.addEventListener("submit", async (event) => {
  event.preventDefault();
  token.value = "";
  const pair = JSON.stringify(Object.fromEntries(new FormData(signIn)));
  const said = signIn.querySelector("output");
  try {
    const answer = await call("POST", "/api/v2/tokens", { "Content-Type": "application/json" }, pair);
    const { access_token: given, expires_in: seconds, detail } = await answer.json();
    token.value = given ?? "";
    said.textContent = answer.ok ? `Signed in for ${seconds / 60} minutes.` : detail;
    signIn.reset();
  } catch (error) {
    said.textContent = `No answer: ${error.message}`;
  }
});

for (const [path, operations] of Object.entries(paths)) {
  for (const [method, operation] of Object.entries(operations)) {
    const place = document.getElementById(operation.operationId);
    const add = () => place.append(trial(method, path, operation));
    if (place?.open) add();
    else place?.addEventListener("toggle", add, { once: true });
  }
}
document.querySelector("#try").hidden = false;
