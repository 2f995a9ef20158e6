// Files in the editor: an image in a message or an input, a document in an input; chosen, pasted or dropped. What a file is,
// its bytes say. Nothing that stood there goes away unless the new file can be used. Without this module its buttons are not shown.

import { announce, toast } from "./app.js";

const MIB = 1024 * 1024;
const MOST_TEXT_MIB = 1;
const OTHERS = [
  ["a PDF", [0x25, 0x50, 0x44, 0x46, 0x2d]],
  ["an office document, or another packed file", [0x50, 0x4b, 0x03, 0x04], [0xd0, 0xcf, 0x11, 0xe0], [0x1f, 0x8b]],
];
const MOST_IMAGE_MIB = 2; // FILE_MIB of app/core/images.py
const IMAGES = [
  ["image/png", (b) => starts(b, 0, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])],
  ["image/jpeg", (b) => starts(b, 0, [0xff, 0xd8, 0xff])],
  ["image/gif", (b) => starts(b, 0, [0x47, 0x49, 0x46, 0x38]) && [0x37, 0x39].includes(b[4]) && b[5] === 0x61],
  ["image/webp", (b) => starts(b, 0, [0x52, 0x49, 0x46, 0x46]) && starts(b, 8, [0x57, 0x45, 0x42, 0x50])],
];

class Unusable extends Error {}

const starts = (bytes, at, those) => those.every((one, n) => bytes[at + n] === one);
const mib = (size) => (size / MIB).toFixed(1);

// The file as a data: URL.
async function imageOf(file) {
  if (file.size > MOST_IMAGE_MIB * MIB) {
    throw new Unusable(`${file.name} has ${mib(file.size)} MB, and an image may have ${MOST_IMAGE_MIB} MB. Make it smaller (models look at about 2,000 pixels a side), or give its address.`);
  }
  const head = new Uint8Array(await file.slice(0, 12).arrayBuffer());
  const [type] = IMAGES.find(([, fits]) => fits(head)) ?? [];
  if (!type) throw new Unusable(`${file.name} is no PNG, JPEG, GIF or WebP image. Save it as one of these.`);
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.onerror = () => failed(new Unusable(`${file.name} could not be read.`));
    reader.readAsDataURL(file.slice(0, file.size, type));
  });
}

// The file as text: whatever is written in letters, be it prose, a table, JSON or a program.
async function textOf(file) {
  if (file.size > MOST_TEXT_MIB * MIB) {
    throw new Unusable(`${file.name} has ${mib(file.size)} MB, and a document in an input may have ${MOST_TEXT_MIB} MB. Attach a part of it.`);
  }
  const bytes = new Uint8Array(await file.arrayBuffer());
  for (const [what, ...begins] of OTHERS) {
    if (begins.some((those) => starts(bytes, 0, those))) {
      throw new Unusable(`${file.name} is ${what}, which is not read here. Save it as text, or copy its text into the input. Files of text are: txt, md, csv, json, html, source code.`);
    }
  }
  if (IMAGES.some(([, fits]) => fits(bytes))) {
    throw new Unusable(`${file.name} is an image. Add an image to a message instead: its address can be this variable.`);
  }
  const encoding = starts(bytes, 0, [0xff, 0xfe]) ? "utf-16le" : starts(bytes, 0, [0xfe, 0xff]) ? "utf-16be" : "utf-8";
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    if (!text.includes("\0")) return text.replace(/\r\n?/g, "\n");
  } catch { /* said below */ }
  if (bytes.includes(0)) throw new Unusable(`${file.name} is no text. Files of text are: txt, md, csv, json, html, source code.`);
  throw new Unusable(`${file.name} is not written in UTF-8. Save it with the encoding UTF-8, and attach it again.`);
}

class AttachFile extends HTMLElement {
  connectedCallback() {
    this.querySelector("button").onclick = () => this.choose();
  }

  choose() {
    const picker = Object.assign(document.createElement("input"), { type: "file" }); // no field of the form
    if (this.isImage) picker.accept = IMAGES.map(([type]) => type).join(",");
    picker.onchange = () => picker.files.length && this.take(picker.files[0]);
    picker.click();
  }

  get isImage() {
    return "image" in this.dataset;
  }

  async take(file) {
    const field = document.getElementById(this.dataset.for);
    this.say("");
    try {
      if (this.isImage) {
        field.value = await imageOf(file);
        announce(`${file.name} is attached`);
        refresh();
      } else this.write(field, file, await textOf(file));
    } catch (error) {
      this.say(told(error));
    }
  }

  // As if it were typed: the draft is kept, and its tokens are counted. What stood there can be put back by a button, as the
  // browser's own undo takes seconds for a long text.
  write(field, file, text) {
    const before = field.value;
    put(field, text);
    const back = this.querySelector("[data-back]");
    back.hidden = !before;
    back.onclick = () => {
      back.hidden = true;
      put(field, before);
      this.tell("What stood there is back.");
      field.focus();
    };
    this.tell(`${file.name} is in the input${before ? ", in the place of what stood there" : ""}.`);
  }

  tell(said) {
    this.querySelector("[data-said]").textContent = said;
    announce(said);
  }

  say(problem) {
    const box = this.querySelector(".problem");
    box.textContent = problem;
    box.hidden = !problem;
  }
}

function put(field, text) {
  field.value = text;
  field.scrollTop = 0;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

const told = (error) => {
  if (!(error instanceof Unusable)) throw error;
  return error.message;
};

// The form once more, as it stands: the server draws what is new in it, and keeps the draft.
function refresh() {
  document.querySelector('[form="editor"][value="refresh"]').click();
}

// Where files may fall: a field of an image, or a message that takes more of them.
async function take(place, files) {
  const into = place.dataset.drop;
  if (!into.startsWith("image:")) return document.getElementById(`choose-${into}`)?.take(files[0]);
  const fields = [];
  try {
    for (const file of files) {
      const field = Object.assign(document.createElement("input"), { type: "hidden", name: "image.new", value: await imageOf(file) });
      fields.push(field);
    }
  } catch (error) {
    return toast(told(error));
  }
  const form = document.getElementById("editor");
  form.append(...fields);
  form.querySelector(`[value="${into}"]`).click();
  fields.forEach((field) => field.remove()); // they are on their way, and no part of what is kept
}

const filesOf = (transfer) => [...(transfer?.files ?? [])];
const placeOf = (event) => event.target.closest?.("#editor [data-drop]");

document.addEventListener("paste", (event) => {
  const [place, files] = [placeOf(event), filesOf(event.clipboardData)];
  if (!place || !files.length || event.clipboardData.types.includes("text/plain")) return;
  event.preventDefault();
  take(place, files);
});
for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    const place = placeOf(event);
    if (!place || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault(); // else the browser opens the file in place of the page
    place.classList.toggle("dropping", name === "dragover");
    if (name === "drop") take(place, filesOf(event.dataTransfer));
  });
}
// An image that came as a text into the field of its address is drawn, as any other.
document.addEventListener("change", ({ target }) => {
  if (target.matches?.("[data-takes-image]") && target.value.trimStart().startsWith("data:")) refresh();
});

customElements.define("attach-file", AttachFile);
