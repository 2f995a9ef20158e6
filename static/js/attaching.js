// Files in the editor: an image in a message or an input, a document in an input; chosen, pasted or dropped. What a file is,
// its bytes say. Nothing that stood there goes away unless the new file can be used. Without this module its buttons are not shown.

import { announce, toast } from "./app.js";

const MIB = 1024 * 1024;
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

class AttachFile extends HTMLElement {
  connectedCallback() {
    this.querySelector("button").onclick = () => this.choose();
  }

  choose() {
    const picker = Object.assign(document.createElement("input"), { type: "file" }); // no field of the form
    picker.accept = IMAGES.map(([type]) => type).join(",");
    picker.onchange = () => picker.files.length && this.take(picker.files[0]);
    picker.click();
  }

  async take(file) {
    const field = document.getElementById(this.dataset.for);
    try {
      field.value = await imageOf(file);
      announce(`${file.name} is attached`);
      refresh();
    } catch (error) {
      this.say(told(error));
    }
  }

  say(problem) {
    const box = this.querySelector(".problem");
    box.textContent = problem;
    box.hidden = false;
  }
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
