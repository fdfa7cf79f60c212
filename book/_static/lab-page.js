// The lab: puts the parts together, loads the encoders, and asks the workers what they see.

const PAGE = `
  <p class="lab-problems" role="alert"></p>
  <div class="lab-loading"><progress value="0"></progress> <span></span></div>
  <div class="lab-guide"></div>
  <div class="lab-bench">
    <div class="lab-hold"></div>
    <div class="lab-rows">
      <p class="lab-options">
        <label>Colour the maps by <select>${Object.keys(PAINT)
          .map((factor) => `<option>${factor}</option>`)
          .join("")}</select></label>
        <span class="lab-more"></span>
      </p>
    </div>
  </div>
  <p class="lab-said" aria-live="polite"></p>`;

const TOLD_AFTER = 700; // milliseconds without a change
const MOVES_FOR = 1500; // milliseconds that an experiment takes

function lab(root) {
  root.innerHTML = PAGE;
  root.dataset.address = location.href.split("#")[0]; // for print
  document.documentElement.classList.add("lab-runs");
  const part = (name) => root.querySelector(name);
  const workers = new Workers(Math.min(4, Math.max(1, navigator.hardwareConcurrency ?? 2)));
  const scratch = new Float32Array(SIDE * SIDE * 3);
  let images = []; // the table's rows
  let held = { ...START };
  let view = null; // {pixels, of} while the query is a picture: a view, or the reader's own
  let experiment = 0;
  let measured = {}; // of the last query that was answered, by encoder
  let asking = null; // the promise of the answer that is under way
  let stale = false; // whether the query has changed since it was asked
  let number = 0;
  let telling;

  const complain = (sentences) => (part(".lab-problems").textContent = [sentences].flat().join(" "));
  const pixels = () => view?.pixels ?? draw(factorsOf(held), scratch);

  function note() {
    if (view?.of === "own") {
      return "Your picture, 64 × 64: it lies outside of everything that the encoders have seen. Move anything, and the shape is back.";
    }
    if (view) {
      return `A view by ${view.of}: now a picture, no longer a row of factors. What neighbours share is counted against the shape it is a view of. Move anything, and the shape is back.`;
    }
    const outside = beyond(held);
    const what = "image" in held ? `Validation image ${held.image}: ${describe(held)}` : describe(held);
    const beyondIt = outside.length ? ` Outside of the training images by ${outside.join(" and ")}.` : "";
    return `${what}.${beyondIt}`;
  }

  // ---- A change of the query

  function update(now, seen = null) {
    [held, view] = [now, seen];
    paintHeld(held, pixels(), note(), !view);
    stale = true;
    asking ??= answer();
    clearTimeout(telling);
    telling = setTimeout(tell, TOLD_AFTER);
  }

  async function answer() {
    root.dataset.asking = "";
    while (stale) {
      stale = false;
      const names = rows.filter((row) => row.isReady()).map(({ name }) => name);
      const own = view ? undefined : held.image;
      try {
        paint(await workers.look(++number, { pixels: pixels(), own, k: NEAR, names }));
      } catch (error) {
        complain(`${error.message}.`);
      }
    }
    asking = null;
    delete root.dataset.asking;
  }

  function paint(results) {
    const sharesWith = view?.of === "own" ? null : sharesOf(factorsOf(held), images);
    measured = {};
    for (const row of rows) {
      const result = results[row.name];
      if (!result) continue;
      measured[row.name] = row.paint(result, sharesWith);
      if (result.decoded) {
        part(".lab-decoded").hidden = false;
        show(part(".lab-decoded canvas"), result.decoded);
      }
    }
  }

  // Tells a screen reader what changed, and the address what is held.
  function tell() {
    const lines = Object.entries(measured).map(([name, { shares }]) => {
      const known = Object.entries(shares).filter(([, value]) => Number.isFinite(value));
      return `${name}: ${known.map(([factor, value]) => `${factor} ${value.toFixed(1)}`).join(", ")}`;
    });
    const covered = root.classList.contains("lab-covered");
    part(".lab-said").textContent = [note(), ...(covered ? [] : lines)].join(" ");
    const hash = experiment ? `#experiment=${experiment}` : addressOf(held);
    if (!view && location.hash !== hash && (location.hash || touched)) {
      history.replaceState(null, "", hash);
    }
  }
  let touched = false;

  // ---- What the reader does

  const byHand = (now) => {
    touched = true;
    update(now);
  };
  const chooseImage = (row) => byHand({ ...heldFrom(images[row]), image: row });
  const ACTS = {
    random: () => images.length && chooseImage(Math.floor(Math.random() * images.length)),
    view: (set) => update(held, { of: set, pixels: randomView(set, draw(factorsOf(held))) }),
    own: (file) => readPicture(file).then(
      (pixels) => update(held, { of: "own", pixels }),
      () => complain(`${file.name} cannot be read as a picture.`),
    ),
  };
  const paintHeld = stage(part(".lab-hold"), byHand, (name, what) => ACTS[name](what));

  // ---- Rows, also of encoders that are loaded when they are asked for

  const rows = LAB.encoders.map((about) => {
    const section = document.createElement("section");
    section.className = "lab-row";
    section.hidden = !about.atOnce;
    part(".lab-rows").append(section);
    const row = encoderRow(section, about, chooseImage);
    row.waiting("not loaded yet");
    if (!about.atOnce) {
      const label = document.createElement("label");
      label.innerHTML = `<input type="checkbox"> ${about.name}`;
      label.firstElementChild.addEventListener("change", ({ target }) => {
        section.hidden = !target.checked;
        if (!row.isReady()) loadEncoder(about);
      });
      part(".lab-more").append(label);
    }
    return row;
  });
  if (part(".lab-more").childElementCount) part(".lab-more").prepend("Show also ");
  const factor = () => part("select").value;
  part("select").addEventListener("change", () => rows.forEach((row) => row.paintDots(factor())));

  for (const [name, why] of Object.entries(LAB.waiting)) {
    const waits = document.createElement("p");
    waits.textContent = `${name} waits: ${why}`;
    part(".lab-rows").append(waits);
  }

  // ---- Experiments

  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const settled = async () => {
    while (asking) await asking;
  };
  const chooseExperiment = guide(
    part(".lab-guide"),
    () => rows.filter((row) => row.isReady()).map(({ name }) => name),
    (chosen, from) => {
      experiment = chosen;
      touched ||= chosen > 0;
      root.classList.toggle("lab-covered", chosen > 0);
      update(from ?? held);
    },
    async (from, to) => {
      root.classList.remove("lab-covered");
      const begun = performance.now();
      for (let done = still.matches ? 1 : 0; ; ) {
        const mixed = { ...(done < 0.5 ? from : to) };
        for (const name of Object.keys(LIMITS)) mixed[name] = from[name] + done * (to[name] - from[name]);
        update(mixed);
        if (done === 1) break;
        done = Math.min(1, ((await new Promise(requestAnimationFrame)) - begun) / MOVES_FOR);
        done = Math.max(0, done);
      }
      await settled();
      return measured;
    },
  );

  part(".lab-guide").hidden = !rows.length;

  // ---- Loading

  async function loadEncoder(about) {
    const row = rows.find(({ name }) => name === about.name);
    const megabytes = (LAB.files[about.name].bytes / 1e6).toFixed(1);
    row.waiting(`loading ${megabytes} MB …`);
    try {
      row.ready(images, await workers.load(about.name, await load(about.name), about), factor());
      update(held, view);
    } catch (error) {
      row.waiting(`${about.name} cannot be shown: ${error.message}. The rest of the page works without it.`);
    }
  }

  async function loadAll() {
    const first = LAB.encoders.filter(({ atOnce }) => atOnce);
    const autoencoder = LAB.files.decoder ? [{ name: "decoder", decoder: "autoencoder" }] : [];
    const parts = [...first, ...autoencoder];
    const total = parts.reduce((sum, { name }) => sum + LAB.files[name].bytes, 0) / 1e6;
    const bar = part("progress");
    bar.max = total;
    const tellProgress = (what) => {
      part(".lab-loading span").textContent =
        `loading ${what}: ${bar.value.toFixed(0)} of ${total.toFixed(0)} MB`;
    };
    tellProgress("the images");
    try {
      images = table((await workers.load("images", await load("images"), { images: true })).tensors);
    } catch (error) {
      part(".lab-loading").hidden = true;
      return complain(`There are no images to look for neighbours among: ${error.message}.`);
    }
    readHash(); // an image may be asked for
    for (const about of parts) {
      tellProgress(about.name);
      if (about.decoder) await loadDecoder(about).catch((error) => complain(`There is no decoded picture: ${error.message}.`));
      else await loadEncoder(about);
      bar.value += LAB.files[about.name].bytes / 1e6;
    }
    part(".lab-loading").hidden = true;
    if (experiment) chooseExperiment(experiment); // with all names to predict
    root.dataset.loaded = "";
  }

  async function loadDecoder(about) {
    if (!rows.find(({ name }) => name === about.decoder)?.isReady()) return;
    await workers.load(about.name, await load(about.name), about);
    update(held, view);
  }

  // ---- The address

  function readHash() {
    const told = readAddress(location.hash);
    complain(told.complaints);
    if (told.experiment) return chooseExperiment(told.experiment);
    if ("image" in told && images.length) update({ ...heldFrom(images[told.image]), image: told.image });
    else update(told.held);
  }
  addEventListener("hashchange", readHash);

  readHash();
  loadAll();
}

(() => {
  const root = document.getElementById("lab");
  const missing = ["Worker", "DecompressionStream", "createImageBitmap"].filter((name) => !(name in window));
  if (missing.length) {
    root.textContent = `This browser lacks what the lab runs on (${missing.join(", ")}). Browsers since 2023 have it; the pictures below show what it shows.`;
  } else {
    lab(root);
  }
})();
