// Sets formulas by MathJax. Reads {folder, fonts, tex, pages: {page: [[formula, displayed]]}}, and writes
// {page: {set: [HTML], css}}; an error names the formula that TeX does not understand.
const { folder, fonts, tex, pages } = JSON.parse(require("fs").readFileSync(0, "utf8"));

const fail = (error) => {
  console.error(error.message ?? error);
  process.exit(1);
};

const main = async () => {
  const MathJax = await require(`${folder}/es5/node-main.js`).init({
    loader: {
      load: ["adaptors/liteDOM", "input/tex", "output/chtml", "a11y/assistive-mml"],
      paths: { mathjax: `${folder}/es5` },
    },
    tex: {
      ...tex,
      packages: { "[-]": ["noerrors", "noundefined"] },
      formatError: (_, error) => {
        throw error;
      },
    },
    chtml: { fontURL: fonts },
    startup: { typeset: false },
  });
  const { adaptor, document } = MathJax.startup;
  const done = {};
  for (const [page, formulas] of Object.entries(pages)) {
    document.outputJax.clearCache(); // the page's style sheet has its own letters alone
    const set = [];
    for (const [formula, display] of formulas) {
      try {
        set.push(adaptor.outerHTML(await MathJax.tex2chtmlPromise(formula, { display })));
      } catch (error) {
        fail(`${page}: ${error.message} in ${formula}`);
      }
    }
    done[page] = { set, css: adaptor.textContent(MathJax.chtmlStylesheet()) };
  }
  process.stdout.write(JSON.stringify(done));
};

main().catch(fail);
