// What is wider than its place scrolls there. The keyboard reaches it while it does, and only then.
const watch = new ResizeObserver((boxes) => {
  for (const { target } of boxes) {
    if (target.scrollWidth > target.clientWidth) {
      target.tabIndex = 0;
    } else {
      target.removeAttribute("tabindex");
    }
  }
});

const find = (boxes) => document.querySelectorAll(boxes).forEach((box) => watch.observe(box));

find(".pst-scrollable-table-container");
window.MathJax?.startup.promise.then(() => find("mjx-container[display=true]"));
