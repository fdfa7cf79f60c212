// Jupyter's widgets in a page without a kernel.

// They ask MathJax 2 to typeset their labels; the page has MathJax 3.
if (window.MathJax && !window.MathJax.Hub) {
  window.MathJax.Hub = {
    Queue: ([, , element]) =>
      window.MathJax.startup.promise.then(() => window.MathJax.typesetPromise([element])),
  };
}

// They draw pictures without a description; the figure's caption describes them.
new MutationObserver(() => {
  for (const picture of document.querySelectorAll("figure img.widget-image:not([alt])")) {
    picture.alt = picture.closest("figure").querySelector(".caption-text").textContent;
  }
}).observe(document.documentElement, { childList: true, subtree: true });
