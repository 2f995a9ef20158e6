// A field [data-only-where] means nothing unless the field of that id holds one of its [data-holds]: it is hidden then, and
// sent all the same, so that what stands in it is not lost by looking at another choice.

function show() {
  for (const field of document.querySelectorAll("[data-only-where]")) {
    const other = document.getElementById(field.dataset.onlyWhere);
    field.hidden = other !== null && !field.dataset.holds.split(" ").includes(other.value);
  }
}

document.addEventListener("change", show);
document.addEventListener("htmx:afterSwap", show);
addEventListener("pageshow", show); // a browser that goes back fills in what was chosen
show();
