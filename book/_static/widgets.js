// Jupyter's widgets in a page without a kernel.

// They ask MathJax 2 to typeset their labels; the page has MathJax 3.
if (window.MathJax && !window.MathJax.Hub) {
  window.MathJax.Hub = {
    Queue: ([, , element]) =>
      window.MathJax.startup.promise.then(() => window.MathJax.typesetPromise([element])),
  };
}

// They draw pictures without a description, which the figure's caption gives, and sliders that tell
// a screen reader neither their name nor the value that stands beside them.
new MutationObserver(() => {
  for (const picture of document.querySelectorAll("figure img.widget-image:not([alt])")) {
    picture.alt = picture.closest("figure").querySelector(".caption-text").textContent;
  }
  for (const handle of document.querySelectorAll(".widget-slider [role=slider]")) {
    const slider = handle.closest(".widget-slider");
    handle.ariaLabel = slider.querySelector(".widget-label").textContent;
    handle.ariaValueText = slider.querySelector(".widget-readout").textContent;
  }
}).observe(document.documentElement, { childList: true, subtree: true });
