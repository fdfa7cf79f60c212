// One of stored drawings, as controls pick it: no kernel, nothing but what a browser has.
((root) => {
  const { choices, frames } = JSON.parse(root.querySelector("script").textContent);
  const controls = root.querySelector(".frames-controls");
  const says = root.querySelector(".frames-says");
  const image = root.querySelector(".frames-now img");
  const narrow = root.querySelector(".frames-now source");
  const at = choices.map((choice) => choice.start);

  const frame = (places) =>
    frames[choices.reduce((k, choice, i) => k * choice.values.length + places[i], 0)];

  // The drawings next to the one that is shown are fetched before they are asked for.
  const fetched = (places) => {
    choices.forEach(({ values }, i) => {
      for (const place of [places[i] - 1, places[i] + 1]) {
        if (place >= 0 && place < values.length) {
          const { wide, narrow: thin } = frame(places.with(i, place));
          new Image().src = thin && matchMedia(narrow.media).matches ? thin : wide;
        }
      }
    });
  };

  const show = () => {
    const now = frame(at);
    if (narrow) narrow.srcset = now.narrow;
    image.src = now.wide;
    image.closest("a")?.setAttribute("href", now.wide);
    says.textContent = now.says;
    fetched(at);
  };

  const make = (tag, parent, properties = {}) =>
    parent.appendChild(Object.assign(document.createElement(tag), properties));

  const slider = ({ label, values }, i) => {
    const row = make("label", controls);
    make("span", row, { textContent: label });
    const input = make("input", row, { type: "range", min: 0, max: values.length - 1 });
    const reading = make("output", row);
    const move = () => {
      at[i] = input.valueAsNumber;
      reading.textContent = input.ariaValueText = values[at[i]];
    };
    input.value = at[i];
    move();
    input.addEventListener("input", () => (move(), show()));
  };

  const buttons = ({ label, values }, i) => {
    const row = make("div", controls, { role: "group", ariaLabel: label });
    make("span", row, { textContent: label });
    const made = values.map((value) => make("button", row, { type: "button", textContent: value }));
    const press = () => made.forEach((button, k) => (button.ariaPressed = String(k === at[i])));
    made.forEach((button, k) =>
      button.addEventListener("click", () => ((at[i] = k), press(), show())),
    );
    press();
  };

  choices.forEach((choice, i) => (choice.words ? buttons : slider)(choice, i));
  for (const first of ["pointerenter", "focusin"]) {
    root.addEventListener(first, () => fetched(at), { once: true });
  }
})(document.currentScript.parentElement);
