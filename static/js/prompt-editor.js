// <prompt-editor>: a text area that types, over a mirror that colours. The server drew the mirror already;
// this redraws only the lines that changed, by the rules of app/core/mirror.py.

const SLOT = /{{\s?(?:[a-zA-Z_\d.[\]]+|(?<call>[a-zA-Z_\-\d/]+\([^{}]*\)))\s?}}/g;
const PYTHON =
  /(?<comment>#.*)|[rbfu]{0,2}(?:(?<opening>"""|''')|(?<string>"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?))|(?<number>[0-9][\p{L}\p{N}_.]*)|(?<name>(?![0-9])[\p{L}\p{N}_]+)/gisu;
const KEYWORDS = new Set(
  `False None True and as assert async await break class continue def del elif else except finally for from global
   if import in is lambda nonlocal not or pass raise return try while with yield`.split(/\s+/),
);
const JSON_TEXT =
  /(?<key>"(?:\\.|[^"\\])*"(?=\s*:))|(?<string>"(?:\\.|[^"\\])*"?)|(?<number>-?[0-9][\p{L}\p{N}_.+-]*)|(?<name>[\p{L}\p{N}_]+)/gu;
const INDENT = "    ";

// Each language: the pieces of a line as [text, class], and the quotes that stay open behind it.

function ofTemplate(line) {
  const pieces = [];
  let done = 0;
  for (const found of line.matchAll(SLOT)) {
    pieces.push([line.slice(done, found.index), ""], [found[0], found.groups.call ? "tok-keyword" : "var"]);
    done = found.index + found[0].length;
  }
  return [[...pieces, [line.slice(done), ""]], ""];
}

function ofJson(line) {
  const pieces = [];
  let done = 0;
  for (const found of line.matchAll(JSON_TEXT)) {
    const { key, string, number, name } = found.groups;
    const token = key ? "tok-keyword" : string ? "tok-string" : number || ["true", "false", "null"].includes(name) ? "tok-number" : "";
    if (!token) continue;
    pieces.push([line.slice(done, found.index), ""], [found[0], token]);
    done = found.index + found[0].length;
  }
  return [[...pieces, [line.slice(done), ""]], ""];
}

function ofPython(line, quote) {
  const pieces = [];
  let done = 0;
  if (quote) {
    done = after(line, 0, quote);
    if (!done) return [[[line, "tok-string"]], quote];
    pieces.push([line.slice(0, done), "tok-string"]);
  }
  PYTHON.lastIndex = done;
  for (let found; (found = PYTHON.exec(line)); ) {
    const { comment, opening, string, number } = found.groups;
    if (opening) {
      PYTHON.lastIndex = after(line, PYTHON.lastIndex, opening);
      if (!PYTHON.lastIndex) {
        pieces.push([line.slice(done, found.index), ""], [line.slice(found.index), "tok-string"]);
        return [pieces, opening];
      }
    }
    const token = comment ? "tok-comment" : opening || string ? "tok-string" : number ? "tok-number"
      : KEYWORDS.has(found[0]) ? "tok-keyword" : "";
    if (!token) continue;
    pieces.push([line.slice(done, found.index), ""], [line.slice(found.index, PYTHON.lastIndex), token]);
    done = PYTHON.lastIndex;
  }
  return [[...pieces, [line.slice(done), ""]], ""];
}

function after(line, at, quote) {
  for (; at < line.length; at += line[at] === "\\" ? 2 : 1) if (line.startsWith(quote, at)) return at + quote.length;
  return 0;
}

class PromptEditor extends HTMLElement {
  connectedCallback() {
    this.text = this.querySelector("textarea");
    this.mirror = this.querySelector(".mirror");
    if (!this.text || !this.mirror) return;
    const base = this.dataset.base ?? this.text.defaultValue;
    this.known = "unmarked" in this.dataset ? null : new Set(base.split("\n"));
    this.pieces = { python: ofPython, json: ofJson }[this.dataset.language] ?? ofTemplate;
    this.indent = this.pieces === ofJson ? "  " : INDENT;
    this.lines = this.text.defaultValue.split("\n");
    this.open = this.opened(this.lines);
    this.text.addEventListener("input", () => this.draw());
    if (this.pieces !== ofTemplate) this.text.addEventListener("keydown", (event) => this.key(event));
    if (this.pieces === ofPython) {
      document.body.addEventListener("htmx:afterSettle", () => this.point());
    }
    this.draw(); // the browser may have brought back what was typed before a reload
    this.dataset.ready = "";
  }

  // Which quotes are open before each line: what a line looks like depends on them.
  opened(lines) {
    const open = [];
    if (this.pieces !== ofPython) return open;
    let quote = "";
    for (const line of lines) {
      open.push(quote);
      quote = ofPython(line, quote)[1];
    }
    return open;
  }

  draw() {
    const before = this.lines;
    const after = this.text.value.split("\n");
    const [was, is] = [this.open, this.opened(after)];
    const same = (a, b) => before[a] === after[b] && was[a] === is[b];
    const shorter = Math.min(before.length, after.length);
    let start = 0;
    while (start < shorter && same(start, start)) start++;
    let end = 0;
    while (end < shorter - start && same(before.length - 1 - end, after.length - 1 - end)) end++;
    const old = [...this.mirror.children].slice(start, before.length - end);
    const next = this.mirror.children[before.length - end] ?? null;
    const fresh = after.slice(start, after.length - end).map((line, n) => this.line(line, is[start + n]));
    old.forEach((element) => element.remove());
    fresh.forEach((element) => this.mirror.insertBefore(element, next));
    [this.lines, this.open] = [after, is];
  }

  line(text, open) {
    const line = document.createElement("div");
    line.className = this.known && !this.known.has(text) ? "line changed" : "line";
    for (const [piece, token] of this.pieces(text, open)[0]) {
      if (!token) {
        line.append(piece);
        continue;
      }
      const span = document.createElement("span");
      span.className = token;
      span.textContent = piece;
      line.append(span);
    }
    return line;
  }

  // The line at which the program that was tried broke off.
  point() {
    this.mirror.querySelector(".problem")?.classList.remove("problem");
    const at = document.querySelector("[data-line]")?.dataset.line;
    this.mirror.children[at - 1]?.classList.add("problem");
  }

  // Enter keeps the indent, as in an editor for code. In a program Tab indents, and Escape lets the next Tab leave the
  // field; in JSON, which stands among other fields, Tab always leaves it.
  key(event) {
    const left = this.leaving;
    this.leaving = event.key === "Escape" || (left && event.key === "Shift");
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || this.text.readOnly) return;
    const { value, selectionStart: start, selectionEnd: end } = this.text;
    const first = value.lastIndexOf("\n", start - 1) + 1;
    if (event.key === "Enter" && !event.shiftKey) {
      const indent = /^[ \t]*/.exec(value.slice(first, start))[0];
      const opens = this.pieces === ofJson ? /[{[]\s*$/ : /:\s*$/;
      const deeper = opens.test(value.slice(first, start)) ? this.indent : "";
      event.preventDefault();
      this.put(start, end, "\n" + indent + deeper);
    } else if (event.key === "Tab" && !left && this.pieces === ofPython) {
      event.preventDefault();
      if (start === end && !event.shiftKey) return this.put(start, end, INDENT.slice((start - first) % INDENT.length));
      const lines = value.slice(first, end);
      const moved = event.shiftKey ? lines.replace(/^(?: {1,4}|\t)/gm, "") : lines.replace(/^(?=.)/gm, INDENT);
      if (moved === lines) return;
      this.put(first, end, moved);
      if (start === end) this.text.setSelectionRange(...Array(2).fill(Math.max(first, start + moved.length - lines.length)));
      else this.text.setSelectionRange(first, first + moved.length);
    }
  }

  put(start, end, text) {
    this.text.setSelectionRange(start, end);
    // The one way to write that undo knows of. It tells of the input, too.
    if (text) document.execCommand("insertText", false, text);
    else document.execCommand("delete");
  }
}

customElements.define("prompt-editor", PromptEditor);
