// The picture that is held, and all by which the reader changes it.

const SLIDERS = {
  x: ["x", "px"],
  y: ["y", "px"],
  size: ["size", "px"],
  angle: ["turn", "°"],
  hue: ["hue", "°"],
  brightness: ["brightness", ""],
};

const radios = (name, values) =>
  values
    .map((value, k) => `<label><input type="radio" name="${name}" value="${k}"> ${value}</label>`)
    .join("");

const STAGE = `
  <div class="lab-pictures">
    <div>
      <div class="lab-stage">
        <canvas width="64" height="64" tabindex="0" role="application" aria-label="The picture held.
          Arrow keys move the shape, plus and minus resize it, comma and full stop turn it."></canvas>
        <span class="lab-handle"></span>
      </div>
      <p>held: drag it, or its corner</p>
    </div>
    <div class="lab-decoded" hidden>
      <canvas width="64" height="64" role="img"
        aria-label="What the autoencoder makes of the picture held"></canvas>
      <p>as the autoencoder decodes it</p>
    </div>
  </div>
  <p class="lab-note"></p>
  <details class="lab-controls" open>
    <summary>Its factors, one by one</summary>
    <fieldset><legend>shape</legend>${radios("lab-shape", LAB.shapes)}</fieldset>
    <fieldset class="lab-colors"><legend>colour</legend>${radios("lab-color", LAB.colors)}</fieldset>
    ${Object.entries(SLIDERS)
      .map(
        ([name, [label, unit]]) => `<label class="lab-slider"><span>${label}</span>
          <input type="range" name="${name}" min="${LIMITS[name][0]}" max="${LIMITS[name][1]}"
            step="${unit ? 0.5 : 0.01}"><output></output>${unit}</label>`,
      )
      .join("")}
  </details>
  <div class="lab-buttons">
    <button type="button" data-does="random">A validation image</button>
    ${Object.keys(LAB.sets)
      .map((set) => `<button type="button" data-does="view" data-set="${set}">A view by ${set}</button>`)
      .join("")}
    <label class="lab-file">Your picture <input type="file" accept="image/*"></label>
  </div>`;

// Builds it in `root`. `change(held)` is called with what the reader makes of the shape, `act(name,
// set or file)` for the buttons. Returns paint(held, pixels, note, asShape).
function stage(root, change, act) {
  root.innerHTML = STAGE;
  const canvas = root.querySelector(".lab-stage canvas");
  const handle = root.querySelector(".lab-handle");
  const inputs = [...root.querySelectorAll("input")];
  let held = START;
  let drag = null;

  const clip = (name, value) => Math.min(LIMITS[name][1], Math.max(LIMITS[name][0], value));
  const alter = (changes) => {
    const { image, ...rest } = { ...held, ...changes };
    for (const name of ["x", "y", "size"]) rest[name] = clip(name, rest[name]);
    change({ ...rest, angle: wrap(rest.angle) });
  };

  // ---- By pointer: the corner with the handle turns and resizes, all else moves
  const corner = () => [0, 60, 45][held.shape];
  const point = (event) => {
    const box = canvas.getBoundingClientRect();
    const scale = SIDE / box.width;
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  };
  const grab = (event, kind) => {
    const [x, y] = point(event);
    drag = { kind, dx: held.x - x, dy: held.y - y };
    canvas.setPointerCapture(event.pointerId);
    event.preventDefault();
    canvas.focus({ preventScroll: true });
  };
  canvas.addEventListener("pointerdown", (event) => grab(event, "move"));
  handle.addEventListener("pointerdown", (event) => grab(event, "turn"));
  canvas.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const [x, y] = point(event);
    if (drag.kind === "move") return alter({ x: x + drag.dx, y: y + drag.dy });
    const [dx, dy] = [x - held.x, y - held.y];
    alter({
      size: Math.hypot(dx, dy) / CIRCUMRADIUS[held.shape],
      angle: (Math.atan2(dy, dx) * 180) / Math.PI - corner(),
    });
  });
  for (const over of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(over, () => (drag = null));
  }

  // ---- By keys
  const KEYS = {
    ArrowLeft: () => ({ x: held.x - 1 }),
    ArrowRight: () => ({ x: held.x + 1 }),
    ArrowUp: () => ({ y: held.y - 1 }),
    ArrowDown: () => ({ y: held.y + 1 }),
    "+": () => ({ size: held.size + 1 }),
    "-": () => ({ size: held.size - 1 }),
    ",": () => ({ angle: held.angle - 5 }),
    ".": () => ({ angle: held.angle + 5 }),
  };
  canvas.addEventListener("keydown", (event) => {
    if (!(event.key in KEYS) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    alter(KEYS[event.key]());
  });

  // ---- By controls
  root.addEventListener("input", ({ target }) => {
    if (target.name === "lab-shape") alter({ shape: Number(target.value) });
    else if (target.name === "lab-color") alter(fromRgb(LAB.palette[target.value]));
    else if (target.name in SLIDERS) alter({ [target.name]: Number(target.value) });
    else if (target.type === "file" && target.files.length) act("own", target.files[0]);
  });
  root.addEventListener("click", ({ target }) => {
    if (target.dataset.does) act(target.dataset.does, target.dataset.set);
  });
  inputs
    .filter((input) => input.name === "lab-color")
    .forEach((input, k) => {
      const rgb = LAB.palette[k].map((value) => Math.round(255 * value));
      input.parentElement.style.setProperty("--color", `rgb(${rgb})`);
    });
  root.querySelector("details").open = matchMedia("(min-width: 60rem)").matches;

  return (now, pixels, note, asShape) => {
    held = now;
    show(canvas, pixels);
    root.querySelector(".lab-note").textContent = note;
    const reach = held.size * CIRCUMRADIUS[held.shape];
    const at = ((held.angle + corner()) * Math.PI) / 180;
    handle.hidden = !asShape;
    handle.style.left = `${(100 * (held.x + reach * Math.cos(at))) / SIDE}%`;
    handle.style.top = `${(100 * (held.y + reach * Math.sin(at))) / SIDE}%`;
    const { color } = factorsOf(held);
    for (const input of inputs) {
      if (input.name === "lab-shape") input.checked = Number(input.value) === held.shape;
      else if (input.name === "lab-color") input.checked = Number(input.value) === color;
      else if (input.name in SLIDERS) {
        input.value = held[input.name];
        const digits = input.step === "0.5" ? 0 : 2;
        input.nextElementSibling.textContent = held[input.name].toFixed(digits);
      }
    }
  };
}

// The reader's own picture: its middle square, in 64 × 64 pixels.
async function readPicture(file) {
  const picture = await createImageBitmap(file);
  const side = Math.min(picture.width, picture.height);
  const [left, top] = [(picture.width - side) / 2, (picture.height - side) / 2];
  const canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, left, top, side, side, 0, 0, SIDE, SIDE);
  const { data } = context.getImageData(0, 0, SIDE, SIDE);
  return Float32Array.from({ length: SIDE * SIDE * 3 }, (_, k) => data[4 * Math.floor(k / 3) + (k % 3)] / 255);
}
