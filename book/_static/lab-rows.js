// An encoder's row: the ten nearest images, what they share with the query, and a map.

const NEAR = 10; // neighbours of a row
const MAP = 280; // pixels a side of a map's canvas
const RIM = 12; // of them left free around the images

const ROW = (name) => `
  <div class="lab-found">
    <h3>${name} <span class="lab-distance"></span></h3>
    <p class="lab-wait"></p>
    <div class="lab-near" role="group" aria-label="${name}: the ten nearest images, near to far">
      ${'<button type="button" aria-label="not known yet"><canvas width="64" height="64"></canvas></button>'.repeat(NEAR)}
    </div>
    <dl class="lab-shares" aria-label="${name}: what the neighbours share with the query">
      ${Object.keys(UNLIKE)
        .map((factor) => `<div><dt>${factor}</dt><dd></dd></div>`)
        .join("")}
    </dl>
  </div>
  <canvas class="lab-map" width="${MAP}" height="${MAP}" tabindex="0" role="application"
    aria-label="Map of all images by ${name}. Arrow keys take the image that is next there."></canvas>`;

// ---- What colours a map's dots: of a row of the table, a colour in CSS

const share = (value, low, high) => Math.round((255 * (value - low)) / (high - low));
const PAINT = {
  colour: ({ rgb }) => `rgb(${Array.from(rgb, (value) => Math.round(255 * value))})`,
  location: ({ x, y }) => `rgb(${share(x, 0, SIDE)}, 140, ${share(y, 0, SIDE)})`,
  shape: ({ shape }) => ["#56b4e9", "#e69f00", "#f0e442"][shape],
  size: ({ size }) => `hsl(45 90% ${20 + share(size, ...LAB.sizes) / 4}%)`,
  rotation: ({ shape, angle }) =>
    shape ? `hsl(${(angle * 180 * LAB.symmetry[shape]) / Math.PI} 80% 60%)` : "#666",
};

// Builds the row in `root`; `choose(row of the table)` is called for an image that is picked.
function encoderRow(root, { name, circle }, choose) {
  root.innerHTML = ROW(name);
  const buttons = [...root.querySelectorAll(".lab-near button")];
  const meters = [...root.querySelectorAll(".lab-shares dd")];
  const map = root.querySelector(".lab-map");
  const waits = root.querySelector(".lab-wait");
  const dots = Object.assign(document.createElement("canvas"), { width: MAP, height: MAP });
  const scratch = new Float32Array(SIDE * SIDE * 3);
  let images, places, usual, now, toMap;

  // ---- The map

  // On a circle the images of one angle would hide each other: they lie at several depths.
  const depth = (row) => (circle ? 0.7 + 0.3 * ((row * 0.618034) % 1) : 1);
  const at = (row) => toMap([places[2 * row] * depth(row), places[2 * row + 1] * depth(row)]);

  function scale() {
    let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let row = 0; row < images.length; row++) {
      left = Math.min(left, places[2 * row]);
      right = Math.max(right, places[2 * row]);
      top = Math.min(top, places[2 * row + 1]);
      bottom = Math.max(bottom, places[2 * row + 1]);
    }
    const across = Math.max(right - left, bottom - top);
    const middle = [(left + right) / 2, (top + bottom) / 2];
    const inside = (value) => Math.min(MAP - RIM / 2, Math.max(RIM / 2, value));
    toMap = (place) =>
      place.map((value, k) => inside(MAP / 2 + ((value - middle[k]) / across) * (MAP - 2 * RIM)));
  }

  function paintDots(factor) {
    const context = dots.getContext("2d");
    context.clearRect(0, 0, MAP, MAP);
    images.forEach((image, row) => {
      const [x, y] = at(row);
      context.fillStyle = PAINT[factor](image);
      context.fillRect(x - 1.5, y - 1.5, 3, 3);
    });
    if (now) paintMap();
  }

  function ring(context, [x, y], radius, width) {
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.lineWidth = width + 3;
    context.strokeStyle = "#000";
    context.stroke();
    context.lineWidth = width;
    context.strokeStyle = "#fff";
    context.stroke();
  }

  function paintMap() {
    const context = map.getContext("2d");
    context.clearRect(0, 0, MAP, MAP);
    context.drawImage(dots, 0, 0);
    for (const row of now.found) ring(context, at(row), 4, 1.5);
    ring(context, toMap(now.place), 9, 4);
  }

  // The image nearest to a place on the map, among those that `ahead` allows.
  function nearestTo([x, y], ahead = () => true) {
    const away = (row) => Math.hypot(at(row)[0] - x, at(row)[1] - y);
    let best = -1;
    for (let row = 0; row < images.length; row++) {
      const [dx, dy] = [at(row)[0] - x, at(row)[1] - y];
      if (ahead(dx, dy) && (best < 0 || away(row) < away(best))) best = row;
    }
    return best;
  }

  const AHEAD = {
    ArrowLeft: (dx, dy) => dx < -2 && -dx > Math.abs(dy),
    ArrowRight: (dx, dy) => dx > 2 && dx > Math.abs(dy),
    ArrowUp: (dx, dy) => dy < -2 && -dy > Math.abs(dx),
    ArrowDown: (dx, dy) => dy > 2 && dy > Math.abs(dx),
  };
  map.addEventListener("click", ({ offsetX, offsetY }) => {
    const scale = MAP / map.clientWidth;
    if (places) choose(nearestTo([offsetX * scale, offsetY * scale]));
  });
  map.addEventListener("keydown", (event) => {
    if (!(event.key in AHEAD) || !now) return;
    event.preventDefault();
    const next = nearestTo(toMap(now.place), AHEAD[event.key]);
    if (next >= 0) choose(next);
  });
  buttons.forEach((button, k) => button.addEventListener("click", () => choose(now.found[k])));

  return {
    name,
    waiting(why) {
      root.classList.add("lab-waiting");
      waits.textContent = why;
    },
    ready(table, loaded, factor) {
      [images, places, usual] = [table, loaded.map, loaded.usual];
      root.classList.remove("lab-waiting");
      waits.textContent = "";
      scale();
      paintDots(factor);
    },
    isReady: () => Boolean(places),
    paintDots: (factor) => places && paintDots(factor),

    // Shows what the encoder makes of a query. Returns the shares, and how many times as far as
    // usual the nearest image is.
    paint(result, sharesWith) {
      now = result;
      const found = Array.from(result.found, (row) => images[row]);
      found.forEach((image, k) => {
        show(buttons[k].firstElementChild, draw(image, scratch));
        buttons[k].ariaLabel = describe(heldFrom(image));
      });
      const shares = sharesWith ? sharesWith(found) : {};
      Object.keys(UNLIKE).forEach((factor, k) => {
        const value = shares[factor];
        const known = Number.isFinite(value);
        meters[k].textContent = known ? value.toFixed(2) : "–";
        meters[k].parentElement.style.setProperty("--share", known ? Math.max(0, value) : 0);
      });
      const far = result.distance / usual;
      root.querySelector(".lab-distance").textContent =
        `nearest at ${result.distance.toPrecision(2)}, ${far.toFixed(1)} × the usual`;
      paintMap();
      return { shares, far };
    },
  };
}
