// What a table can show of a JSON schema, and how it changes it: always in place, so that whatever it does not show stays.

export const TYPES = ["string", "number", "integer", "boolean", "object", "array"];
export const ONLY_JSON = "json";
const COMBINED = ["$ref", "$dynamicRef", "anyOf", "oneOf", "allOf", "not", "if", "then", "else"];
const SHOWN = new Set(["type", "description", "properties", "required", "enum", "items", "additionalProperties"]);

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

// The text read, or why a table cannot stand for it. A number or an order that would not come back as it is written keeps
// the whole of it in JSON: 1.0, 12345678901234567890, names given twice, names that are whole numbers.
export function read(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problem: `This is not JSON: ${error.message}. Put it right in the JSON view.` };
  }
  if (tokens(text).join("\n") !== tokens(JSON.stringify(value)).join("\n")) {
    return { problem: "This stays in the JSON view: a number, or the order of names, would not come back as it is written." };
  }
  return { value };
}

const tokens = (text) => (text.match(/"(?:\\.|[^"\\])*"|-?\d[\d.eE+-]*|[^\s"]/g) ?? []).map((one) => (one[0] === '"' ? JSON.stringify(JSON.parse(one)) : one));

// Where schemas stand in what a field holds: of an output, of a tool, or of a list of tools. Null where it is none of these.
export function schemasIn(value) {
  if (Array.isArray(value)) return value.every(isObject) ? value.map((tool) => toolOf(tool.function && isObject(tool.function) ? tool.function : tool)) : null;
  if (!isObject(value)) return null;
  if (isObject(value.function)) return [toolOf(value.function)];
  if (isObject(value.schema)) return [{ schema: value.schema, strict: value.strict === true }];
  return "type" in value || "properties" in value ? [{ schema: value, strict: false }] : null;
}

function toolOf(tool) {
  return { tool, schema: isObject(tool.parameters) ? tool.parameters : null, strict: tool.strict === true };
}

export const newObject = (strict) => ({ type: "object", properties: {}, required: [], ...(strict ? { additionalProperties: false } : {}) });

// [type, whether null goes, too]; the type is "" where any goes, and ONLY_JSON where a table has no word for it.
export function typeOf(node) {
  if (!isObject(node) || COMBINED.some((key) => key in node)) return [ONLY_JSON, false];
  const { type } = node;
  if (type === undefined) return ["", false];
  if (TYPES.includes(type)) return [type, false];
  if (Array.isArray(type) && type.length === 2 && TYPES.includes(type[0]) && type[1] === "null") return [type[0], true];
  return [ONLY_JSON, false];
}

export function setType(node, type, orNull, strict) {
  if (typeOf(node)[0] === type) {
    node.type = orNull ? [type, "null"] : type;
    return;
  }
  // What the table put in for the type before goes with it; anything that somebody wrote stays.
  if (isObject(node.properties) && !Object.keys(node.properties).length) {
    delete node.properties;
    if (Array.isArray(node.required) && !node.required.length) delete node.required;
    if (node.additionalProperties === false) delete node.additionalProperties;
  }
  if (isObject(node.items) && JSON.stringify(node.items) === '{"type":"string"}') delete node.items;
  if (!type) delete node.type;
  else node.type = orNull ? [type, "null"] : type;
  if (type === "object") fillObject(node, strict);
  if (type === "array") node.items ??= { type: "string" };
}

function fillObject(node, strict) {
  node.properties ??= {};
  node.required ??= [];
  if (strict) node.additionalProperties ??= false;
}

// The schema whose properties stand below a property: its own, or that of a list's items. Null where it has none.
export function inside(node) {
  const [type] = typeOf(node);
  if (type === "object" && (node.properties === undefined || isObject(node.properties))) return node;
  return type === "array" && typeOf(node.items)[0] === "object" ? inside(node.items) : null;
}

// Every property in the order of the text: [{ owner, name, node, depth, place }], the place a list of numbers.
export function rowsOf(schema, depth = 0, place = []) {
  const owner = inside(schema);
  return Object.entries(owner?.properties ?? {}).flatMap(([name, node], number) => {
    const here = [...place, number];
    return [{ owner, name, node, depth, place: here }, ...(isObject(node) ? rowsOf(node, depth + 1, here) : [])];
  });
}

export const isRequired = ({ owner, name }) => Array.isArray(owner.required) && owner.required.includes(name);

export function setRequired(row, required) {
  const others = Array.isArray(row.owner.required) ? row.owner.required.filter((one) => one !== row.name) : [];
  row.owner.required = required ? [...others, row.name] : others;
}

// Why a property cannot be called so; empty where it can.
export function refusal(row, name) {
  if (!name.trim()) return "Give the property a name.";
  if (name !== row.name && Object.hasOwn(row.owner.properties, name)) return `There is another “${name}” beside it.`;
  return /^(?:0|[1-9]\d*)$/.test(name) ? "A name that is a whole number is given in the JSON view." : "";
}

export function rename(row, name) {
  put(row.owner, Object.entries(row.owner.properties).map(([one, node]) => [one === row.name ? name : one, node]));
  if (Array.isArray(row.owner.required)) row.owner.required = row.owner.required.map((one) => (one === row.name ? name : one));
  row.name = name;
}

export function remove(row) {
  setRequired(row, false);
  put(row.owner, Object.entries(row.owner.properties).filter(([name]) => name !== row.name));
}

// Among its siblings, by so many places: models answer in the order of the properties.
export function move(row, by) {
  const entries = Object.entries(row.owner.properties);
  const at = row.place.at(-1);
  entries.splice(at + by, 0, ...entries.splice(at, 1));
  put(row.owner, entries);
}

export function add(owner, strict) {
  fillObject(owner, strict);
  let name = "property";
  for (let n = 2; Object.hasOwn(owner.properties, name); n++) name = `property_${n}`;
  put(owner, [...Object.entries(owner.properties), [name, { type: "string", description: "" }]]);
  if (strict) setRequired({ owner, name }, true); // strict schemas require all that they have
}

const put = (owner, entries) => { owner.properties = Object.fromEntries(entries); };

// The choices as a text, with commas; null where a table cannot write them.
export function choicesOf(node) {
  if (!("enum" in node)) return "";
  const [type, orNull] = typeOf(node);
  const wanted = type === "number" || type === "integer" ? "number" : "string";
  const values = Array.isArray(node.enum) ? node.enum.filter((one) => !(orNull && one === null)) : [undefined];
  const fit = values.every((one) => typeof one === wanted && (wanted === "number" || (one === one.trim() && one && !/[,\n]/.test(one))));
  return fit ? values.join(", ") : null;
}

// Take the choices from such a text; what is wrong with them, or nothing.
export function setChoices(node, text) {
  const [type, orNull] = typeOf(node);
  const given = [...new Set(text.split(",").map((one) => one.trim()).filter(Boolean))];
  const isNumber = type === "number" || type === "integer";
  const wrong = isNumber && given.find((one) => !Number.isFinite(Number(one)) || (type === "integer" && !Number.isInteger(Number(one))));
  if (wrong) return `“${wrong}” is no ${type === "integer" ? "whole " : ""}number.`;
  if (given.length) node.enum = [...given.map((one) => (isNumber ? Number(one) : one)), ...(orNull ? [null] : [])];
  else delete node.enum;
  return "";
}

// What a property says besides, for which there is no column.
export function besides(node) {
  if (!isObject(node)) return [JSON.stringify(node)];
  const [type] = typeOf(node);
  const others = Object.keys(node).filter((key) => !SHOWN.has(key));
  if (isObject(node.properties) && type !== "object") others.push("properties");
  if ("items" in node && (type !== "array" || typeOf(node.items)[0] === ONLY_JSON)) others.push("items");
  if (isObject(node.items) && type === "array" && typeOf(node.items)[0] !== ONLY_JSON) others.push(...besides(node.items).map((key) => `items: ${key}`), ...("enum" in node.items ? ["items: enum"] : []));
  if (isObject(node.additionalProperties)) others.push("additionalProperties");
  return [...new Set(others)];
}
