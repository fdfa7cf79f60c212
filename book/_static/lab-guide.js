// Experiments to follow: one factor changes, the reader predicts whose neighbours go along, and
// only then sees the rows. What happened is measured, never written down here.

const EXPERIMENTS = [
  {
    name: "Move",
    from: { x: 22, y: 24 },
    to: { x: 40, y: 24 },
    ask: "The triangle goes from the left to the right and changes in nothing else. Whose neighbours will lie where it lies?",
    watch: "location",
  },
  {
    name: "Change the hue",
    from: { hue: 184 },
    to: { hue: 0 },
    ask: "The triangle goes through the hues, from cyan to red, and stays where it is. Whose neighbours will have its colour?",
    watch: "colour",
  },
  {
    name: "Turn",
    from: { angle: 20 },
    to: { angle: 80 },
    ask: "The triangle turns until its corners point where its sides were. Whose neighbours will be turned as it is?",
    watch: "rotation",
  },
  {
    name: "Zoom",
    from: { size: 19, x: 32, y: 32 },
    to: { size: 29, x: 32, y: 32 },
    ask: "The triangle grows from one of the smallest to one of the largest there are. Whose neighbours will be of its size?",
    watch: "size",
  },
  {
    name: "Circle to square",
    from: { shape: 0 },
    to: { shape: 2 },
    ask: "A circle becomes a square of the same area. Whose neighbours will have its shape?",
    watch: "shape",
  },
  {
    name: "Leave what was seen",
    from: { size: 24, x: 32, y: 32 },
    to: { size: 48, x: 32, y: 32 },
    ask: `The triangle grows to 48 px; no encoder has seen more than ${LAB.sizes[1]}. For whom will it leave all that is known: the nearest image more than twice as far as usual?`,
  },
];
const MOST_SHARED = LAB.sensitive; // of a factor: what the book calls sensitive lies above
const FAR = 2; // times the usual distance

const GUIDE = `
  <div class="lab-choice" role="group" aria-label="Experiments">
    <button type="button" data-experiment="0" aria-pressed="true">Play</button>
    ${EXPERIMENTS.map(
      ({ name }, k) =>
        `<button type="button" data-experiment="${k + 1}" aria-pressed="false">${k + 1}. ${name}</button>`,
    ).join("")}
  </div>
  <form class="lab-predict" hidden>
    <p class="lab-ask"></p>
    <fieldset><legend>Predict, then look:</legend><span class="lab-who"></span></fieldset>
    <button>Look</button> <button type="button" data-again>Once more</button>
    <div class="lab-outcome"></div>
  </form>`;

// Builds it in `root`. `start(number, held)` begins an experiment with the rows covered, or ends
// the last one (0); `run(from, to)` uncovers them, moves the shape and returns what was measured.
function guide(root, encoders, start, run) {
  root.innerHTML = GUIDE;
  const [form, ask, who, outcome] = ["form", ".lab-ask", ".lab-who", ".lab-outcome"].map((part) =>
    root.querySelector(part),
  );
  const [look, again] = form.querySelectorAll("button");
  let current;

  function choose(number) {
    current = EXPERIMENTS[number - 1];
    for (const button of root.querySelectorAll("[data-experiment]")) {
      button.ariaPressed = `${Number(button.dataset.experiment) === number}`;
    }
    form.hidden = !current;
    start(number, current && { ...START, ...current.from });
    if (!current) return;
    ask.textContent = current.ask;
    outcome.textContent = "";
    look.hidden = false;
    again.hidden = true;
    who.innerHTML = encoders()
      .map((name) => `<label><input type="checkbox" name="${name}"> ${name}</label>`)
      .join("");
  }

  function report(measured, predicted) {
    const { watch } = current;
    const lines = Object.entries(measured).map(([name, { shares, far }]) => {
      const yes = watch ? shares[watch] > MOST_SHARED : far > FAR;
      let value = `${far.toFixed(1)} × as far`;
      if (watch) value = `${watch} ${shares[watch].toFixed(2)}`;
      if (Number.isNaN(shares[watch])) value = "too few have its shape";
      const right = yes === predicted.has(name);
      return { right, text: `${right ? "✓" : "✗"} ${name}: ${yes ? "yes" : "no"} (${value})` };
    });
    const count = lines.filter(({ right }) => right).length;
    const rule = watch ? `a share above ${MOST_SHARED}` : `more than ${FAR} times as far as usual`;
    outcome.innerHTML = "<p></p><ul></ul>";
    outcome.firstElementChild.textContent =
      `You foresaw ${count} of ${lines.length}. “Yes” means ${rule}.`;
    for (const { text } of lines) {
      outcome.lastElementChild.append(Object.assign(document.createElement("li"), { textContent: text }));
    }
  }

  async function perform() {
    const chosen = current;
    look.disabled = again.disabled = true;
    const measured = await run({ ...START, ...chosen.from }, { ...START, ...chosen.to });
    look.disabled = again.disabled = false;
    if (chosen !== current) return;
    report(measured, new Set(Array.from(who.querySelectorAll(":checked"), ({ name }) => name)));
    look.hidden = true;
    again.hidden = false;
  }

  root.addEventListener("click", ({ target }) => {
    if ("experiment" in target.dataset) choose(Number(target.dataset.experiment));
    else if ("again" in target.dataset) perform();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    perform();
  });
  return choose;
}
