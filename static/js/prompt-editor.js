// <prompt-editor>: a text area that types, over a mirror that colours. The server drew the mirror already;
// this redraws only the lines that changed, by the rules of app/core/mirror.py.

const VARIABLE = /{{\s?[a-zA-Z_\d.[\]]+\s?}}/g;

class PromptEditor extends HTMLElement {
  connectedCallback() {
    this.text = this.querySelector("textarea");
    this.mirror = this.querySelector(".mirror");
    if (!this.text || !this.mirror) return;
    const base = this.dataset.base ?? this.text.defaultValue;
    this.known = "unmarked" in this.dataset ? null : new Set(base.split("\n"));
    this.lines = this.text.defaultValue.split("\n");
    this.text.addEventListener("input", () => this.draw());
    this.draw(); // the browser may have brought back what was typed before a reload
    this.dataset.ready = "";
  }

  draw() {
    const before = this.lines;
    const after = this.text.value.split("\n");
    const shorter = Math.min(before.length, after.length);
    let start = 0;
    while (start < shorter && before[start] === after[start]) start++;
    let end = 0;
    while (end < shorter - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
    const old = [...this.mirror.children].slice(start, before.length - end);
    const next = this.mirror.children[before.length - end] ?? null;
    const fresh = after.slice(start, after.length - end).map((line) => this.line(line));
    old.forEach((element) => element.remove());
    fresh.forEach((element) => this.mirror.insertBefore(element, next));
    this.lines = after;
  }

  line(text) {
    const line = document.createElement("div");
    line.className = this.known && !this.known.has(text) ? "line changed" : "line";
    let at = 0;
    for (const found of text.matchAll(VARIABLE)) {
      line.append(text.slice(at, found.index));
      const variable = document.createElement("span");
      variable.className = "var";
      variable.textContent = found[0];
      line.append(variable);
      at = found.index + found[0].length;
    }
    line.append(text.slice(at));
    return line;
  }
}

customElements.define("prompt-editor", PromptEditor);
