// <schema-table>: the schema in a JSON field as a table. The field stays what is sent and kept; the table only writes into it.

import { announce } from "./app.js";
import * as model from "./schema-model.js";

const open = new Map(); // which fields are shown as tables, over the swaps of a form
const ICONS = "/static/icons.svg#i-";
const NEW = {
  output: () => ({ name: "answer", strict: true, schema: model.newObject(true) }),
  tools: () => [newTool("new_tool")],
  tool: () => ({ function: newTool("new_tool") }),
};

const newTool = (name) => ({ name, description: "", parameters: model.newObject(false) });

function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element && typeof value !== "string") element[name] = value;
    else if (value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

function button(label, icon, key, onclick, text = "") {
  const drawn = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  drawn.setAttribute("class", "icon");
  drawn.setAttribute("aria-hidden", "true");
  if (icon === "up") drawn.style.rotate = "180deg";
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", ICONS + (icon === "up" ? "down" : icon));
  drawn.append(use);
  return h("button", { type: "button", class: `btn ghost small${text ? "" : " square"}`, "aria-label": label, "data-at": key, onclick }, drawn, text);
}

class SchemaTable extends HTMLElement {
  connectedCallback() {
    this.field = document.getElementById(this.dataset.for);
    this.written = this.field.closest(".message");
    this.box = this.querySelector("[data-table]");
    this.views = [...this.querySelectorAll("[data-view]")];
    for (const view of this.views) view.onclick = () => this.show(view.dataset.view);
    this.show(open.get(this.field.id) ?? "json");
  }

  show(view) {
    open.set(this.field.id, view);
    for (const one of this.views) one.setAttribute("aria-pressed", String(one.dataset.view === view));
    this.written.hidden = view === "table";
    this.box.hidden = view !== "table";
    if (view === "table") this.draw();
    else this.box.replaceChildren();
  }

  // Reads the field anew: what was written there in the meantime counts.
  draw() {
    const text = this.field.value;
    if (!text.trim()) {
      const label = this.dataset.kind === "output" ? "Start a schema" : "Add a tool";
      return this.box.replaceChildren(h("p", { class: "meta" }, "Nothing is written yet."), h("div", {}, button(label, "plus", "start", () => this.start(), label)));
    }
    const { value, problem } = model.read(text);
    const found = problem ? null : model.schemasIn(value);
    if (!found) return this.box.replaceChildren(h("p", { class: "notice" }, problem ?? "This is shown in the JSON view only: it is no JSON schema, or its schema is missing."));
    this.value = value;
    const isList = Array.isArray(value);
    const sections = found.map((one, number) => this.section(one, number, isList && found.length));
    const more = isList ? [h("div", {}, button("Add a tool", "plus", "tool", () => this.addTool(), "Add a tool"))] : [];
    this.box.replaceChildren(...sections, ...more);
  }

  start() {
    this.value = NEW[this.dataset.kind]();
    this.change("0:add");
  }

  addTool() {
    const taken = new Set(this.value.map((tool) => tool.name ?? tool.function?.name));
    let name = "new_tool";
    for (let n = 2; taken.has(name); n++) name = `new_tool_${n}`;
    this.value.push(newTool(name));
    this.change(`${this.value.length - 1}:name`);
  }

  // Into the field, as if it were typed there.
  write() {
    this.field.value = JSON.stringify(this.value, null, 2);
    this.field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  // After rows have come, gone or moved; `at` is what has the focus then.
  change(at, said = "") {
    this.write();
    this.draw();
    (this.box.querySelector(`[data-at="${at}"]`) ?? this.box.querySelector("button, input"))?.focus();
    if (said) announce(said);
  }

  section({ tool, schema, strict }, number, count) {
    const named = tool ? `tool ${tool.name ?? number + 1}` : "the schema";
    const parts = [];
    if (tool) parts.push(this.head(tool, named, number, count));
    if (tool && schema === null) {
      parts.push(h("div", { class: "meta" }, "parameters" in tool ? "JSON only: its parameters."
        : button(`Add parameters to ${named}`, "plus", `${number}:add`, () => { tool.parameters = model.newObject(strict); this.change(`${number}:add`); }, "Parameters")));
      return h("section", { class: "stack", "aria-label": named }, ...parts);
    }
    const rows = model.rowsOf(schema);
    if (rows.length) parts.push(this.table(rows, number, strict, named));
    if (model.inside(schema)) {
      parts.push(h("div", {}, button(`Add a property to ${named}`, "plus", `${number}:add`, () => {
        model.add(schema, strict);
        this.change(`${number}:${Object.keys(schema.properties).length - 1}:name`, "A property is added");
      }, "Property")));
    } else parts.push(h("p", { class: "meta" }, "JSON only: this is no object with properties."));
    const others = model.besides(schema);
    if (others.length) parts.push(h("p", { class: "meta" }, `JSON only: ${others.join(", ")}.`));
    return h("section", { class: "stack", "aria-label": named }, ...parts);
  }

  head(tool, named, number, count) {
    const text = (key, label) => h("input", {
      class: key === "name" ? "input mono" : "input grow", value: String(tool[key] ?? ""), "aria-label": `${label} of ${named}`, "data-at": `${number}:${key}`,
      placeholder: label, oninput: (event) => { tool[key] = event.target.value; this.write(); },
    });
    const place = (by) => () => {
      this.value.splice(number + by, 0, ...this.value.splice(number, 1));
      this.change(`${number + by}:name`, `${named} is moved`);
    };
    return h("div", { class: "row" }, text("name", "Name"), text("description", "Description"),
      count && number > 0 ? button(`Move ${named} up`, "up", `${number}:up`, place(-1)) : null,
      count && number < count - 1 ? button(`Move ${named} down`, "down", `${number}:down`, place(1)) : null,
      count ? button(`Remove ${named}`, "x", `${number}:remove`, () => { this.value.splice(number, 1); this.change("tool", `${named} is removed`); }) : null);
  }

  table(rows, number, strict, named) {
    const columns = ["Property", "Type", "Needed", "Description, choices", ""];
    return h("div", { class: "table-wrap", tabIndex: 0, role: "group", "aria-label": `Properties of ${named}` },
      h("table", { class: "table dense schema" },
        h("thead", {}, h("tr", {}, ...columns.map((one) => h("th", { scope: "col" }, one || h("span", { class: "sr-only" }, "Actions"))))),
        h("tbody", {}, ...rows.map((row) => this.row(row, number, strict)))));
  }

  row(row, number, strict) {
    const { node, name, depth } = row;
    const key = (what) => `${number}:${row.place.join(".")}:${what}`;
    const [type] = model.typeOf(node);
    const problem = h("span", { class: "problem", role: "alert", hidden: true });
    const say = (said, input) => {
      problem.textContent = said;
      problem.hidden = !said;
      input.setAttribute("aria-invalid", String(Boolean(said)));
    };
    const called = h("input", { class: "input mono", value: name, "aria-label": `Name of property ${name}`, "data-at": key("name"), oninput: ({ target }) => {
      const said = model.refusal(row, target.value);
      say(said, target);
      if (said || target.value === row.name) return;
      model.rename(row, target.value);
      this.write();
    }, onchange: ({ target }) => { target.value = row.name; say("", target); } });
    called.style.marginInlineStart = `${depth}rem`;
    const needed = h("input", { type: "checkbox", checked: model.isRequired(row), "aria-label": `${name} is needed`, "data-at": key("needed"), onchange: ({ target }) => { model.setRequired(row, target.checked); this.write(); } });
    const isPlain = type !== model.ONLY_JSON;
    const canSay = typeof node === "object" && node !== null && !Array.isArray(node);
    const described = canSay ? h("input", { class: "input", value: String(node.description ?? ""), placeholder: "what it says", "aria-label": `Description of ${name}`, oninput: ({ target }) => { node.description = target.value; this.write(); } }) : null;
    const others = isPlain ? model.besides(node) : [];
    const onlyJson = (what) => h("span", { class: "badge outline", title: what }, "JSON only");
    return h("tr", {},
      h("th", { scope: "row" }, called, problem),
      h("td", {}, isPlain ? this.types(node, name, key, strict) : onlyJson(model.besides(node).join(", ")), others.length ? h("span", { class: "sub" }, `JSON only: ${others.join(", ")}`) : null),
      h("td", {}, needed),
      h("td", {}, h("div", { class: "stack" }, described, isPlain && canSay ? this.choices(node, name, type, say, onlyJson) : null)),
      h("td", {}, this.acts(row, number, strict, key)));
  }

  types(node, name, key, strict) {
    const choose = (of, label, at) => {
      const [type, orNull] = model.typeOf(of);
      const all = ["", ...model.TYPES.flatMap((one) => [one, `${one} or null`])];
      const now = type && orNull ? `${type} or null` : type;
      return h("select", { class: "input", "aria-label": label, "data-at": at, onchange: ({ target }) => {
        const [chosen, also] = target.value.split(" or ");
        model.setType(of, chosen, Boolean(also), strict);
        this.change(at);
      } }, ...all.map((one) => h("option", { value: one, selected: one === now }, one || "any")));
    };
    const isList = model.typeOf(node)[0] === "array" && model.typeOf(node.items ?? {})[0] !== model.ONLY_JSON;
    if (!isList) return choose(node, `Type of ${name}`, key("type"));
    node.items ??= {};
    return h("div", { class: "stack" }, choose(node, `Type of ${name}`, key("type")), h("span", { class: "row meta" }, "of ", choose(node.items, `Type of the items of ${name}`, key("items"))));
  }

  choices(node, name, type, say, onlyJson) {
    if (["object", "array", "boolean"].includes(type)) return "enum" in node ? onlyJson("enum") : null;
    const text = model.choicesOf(node);
    if (text === null) return onlyJson("enum");
    return h("input", { class: "input", value: text, placeholder: "any choice", "aria-label": `Choices of ${name}, with commas between them`, oninput: ({ target }) => {
      const said = model.setChoices(node, target.value);
      say(said, target);
      if (!said) this.write();
    } });
  }

  acts(row, number, strict, key) {
    const { name, node, place } = row;
    const last = Object.keys(row.owner.properties).length - 1;
    const mover = (way, by) => button(`Move ${name} ${way}`, way, key(way), () => {
      model.move(row, by);
      this.change(`${number}:${[...place.slice(0, -1), place.at(-1) + by].join(".")}:name`, `${name} is moved ${way}`);
    });
    const owned = typeof node === "object" && node !== null ? model.inside(node) : null;
    return h("span", { class: "row", style: "--gap: 0; justify-content: end" },
      place.at(-1) > 0 ? mover("up", -1) : null,
      place.at(-1) < last ? mover("down", 1) : null,
      owned ? button(`Add a property to ${name}`, "plus", key("inside"), () => {
        model.add(owned, strict);
        this.change(`${number}:${[...row.place, Object.keys(owned.properties).length - 1].join(".")}:name`, "A property is added");
      }) : null,
      button(`Remove ${name}`, "x", key("remove"), () => { model.remove(row); this.change(`${number}:add`, `${row.name} is removed`); }));
  }
}

customElements.define("schema-table", SchemaTable);
