// What the pages do beside showing themselves. Without it all can still be read.

// ---- What is wider than its place scrolls there; the keyboard reaches it while it does, and only then.
const watch = new ResizeObserver((boxes) => {
  for (const { target } of boxes) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});
document
  .querySelectorAll(".pst-scrollable-table-container, mjx-container[display=true], .highlight pre")
  .forEach((box) => watch.observe(box));

// ---- Answers: one switch for all, which is remembered; a link to one opens it.
const covers = [...document.querySelectorAll("details.covered")];

const addSwitch = () => {
  const place = document.querySelector(".article-header-buttons");
  const button = Object.assign(document.createElement("button"), {
    className: "btn btn-sm answers",
    type: "button",
    title: "Show all answers, on every page",
    textContent: "Answers",
  });
  const set = (open) => {
    button.ariaPressed = String(open);
    covers.forEach((cover) => (cover.open = open));
  };
  button.addEventListener("click", () => {
    const open = button.ariaPressed !== "true";
    localStorage.setItem("answers", open ? "open" : "closed");
    set(open);
  });
  place?.prepend(button);
  if (localStorage.getItem("answers") === "open") set(true);
  else button.ariaPressed = "false";
};
if (covers.length) addSwitch();

const land = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  const inside = target.closest("details") ?? target.querySelector(":scope > details.covered");
  if (inside) inside.open = true;
  target.scrollIntoView();
};
land();
addEventListener("hashchange", land);

// ---- Paper is white, and all answers are on it.
const shown = document.documentElement.dataset;
let before;
addEventListener("beforeprint", () => {
  before = { theme: shown.theme, open: covers.map((cover) => cover.open) };
  shown.theme = "light";
  covers.forEach((cover) => (cover.open = true));
});
addEventListener("afterprint", () => {
  shown.theme = before.theme;
  covers.forEach((cover, k) => (cover.open = before.open[k]));
});

// ---- A figure opens large in the page, which without this is left for it.
const large = document.createElement("dialog");
large.className = "large-figure";
large.ariaLabel = "Figure, large";
large.innerHTML = '<button type="button">Close</button><div tabindex="0"><img alt=""></div>';
document.body.append(large);
large.addEventListener("click", ({ target }) => {
  if (target === large || target.tagName === "BUTTON") large.close();
});
document.addEventListener("click", (event) => {
  const link = event.target.closest("a.large");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const [image, picture] = [large.querySelector("img"), link.querySelector("img")];
  image.src = link.href;
  image.alt = picture.alt;
  image.style.width = `${1.5 * picture.getAttribute("width")}px`;
  large.showModal();
});
