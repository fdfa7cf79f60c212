// Random views of a picture: the sets A, B and C of replearn.augmentations, with their numbers.
// Parameters are sampled apart from being applied, as they are there.

const LUMA = LAB.luma;

const between = (low, high, random) => low + (high - low) * random();
const luma = (pixels, at) =>
  LUMA[0] * pixels[at] + LUMA[1] * pixels[at + 1] + LUMA[2] * pixels[at + 2];

// ---- Colours

// Returns scale·x + gray·luma(x) + mean·mean(luma(x)), clipped to [0, 1].
function adjust(pixels, scale, gray, mean) {
  let total = 0;
  for (let at = 0; at < pixels.length; at += 3) total += luma(pixels, at);
  const shift = (mean * total * 3) / pixels.length;
  return pixels.map((value, k) =>
    Math.min(1, Math.max(0, scale * value + gray * luma(pixels, k - (k % 3)) + shift)),
  );
}

function turnHue(pixels, turn) {
  const turned = new Float32Array(pixels.length);
  for (let at = 0; at < pixels.length; at += 3) {
    const color = fromRgb(pixels.subarray(at, at + 3));
    turned.set(toRgb({ ...color, hue: wrap(color.hue + 360 * turn) }), at);
  }
  return turned;
}

const STAGES = {
  brightness: (pixels, b) => adjust(pixels, b, 0, 0),
  contrast: (pixels, c) => adjust(pixels, c, 0, 1 - c),
  saturation: (pixels, s) => adjust(pixels, s, 1 - s, 0),
  hue: turnHue,
};

const recoloring = {
  sample({ gray, hue, ...reaches }, random) {
    const amounts = { hue: between(-hue, hue, random) };
    for (const [name, reach] of Object.entries(reaches)) {
      amounts[name] = between(Math.max(0, 1 - reach), 1 + reach, random);
    }
    const order = Object.keys(STAGES).map((name) => [random(), name]);
    order.sort(([a], [b]) => a - b);
    return { gray: random() < gray, order: order.map(([, name]) => name), ...amounts };
  },
  apply(pixels, { gray, order, ...amounts }) {
    let view = gray ? adjust(pixels, 0, 1, 0) : pixels;
    for (const name of order) view = STAGES[name](view, amounts[name]);
    return view;
  },
};

// ---- Places: matrices of homogeneous points, each from its output to its input

const product = (a, b) => a.map((row) => b[0].map((_, j) => row.reduce((s, v, k) => s + v * b[k][j], 0)));
const padding = (pad) => [[1, 0, -pad], [0, 1, -pad], [0, 0, 1]];
const crop = ([left, top, width, height]) =>
  [[width / SIDE, 0, left], [0, height / SIDE, top], [0, 0, 1]];

function rotation(angle, canvas) {
  const [cos, sin, c] = [Math.cos(angle), Math.sin(angle), canvas / 2];
  return [[cos, -sin, c - c * cos + c * sin], [sin, cos, c - c * sin - c * cos], [0, 0, 1]];
}

function shearAndShift(shear, [x, y], canvas) {
  const [p, q] = shear.map(Math.tan);
  const [dx, dy] = [canvas / 2 + x, canvas / 2 + y];
  return [
    [1 + p * q, p, canvas / 2 - (1 + p * q) * dx - p * dy],
    [q, 1, canvas / 2 - q * dx - dy],
    [0, 0, 1],
  ];
}

// Pulls the corners of the canvas to `corners`: Heckbert (1989), section 2.2.3, and its adjugate.
function perspective([[x0, y0], [x1, y1], [x2, y2], [x3, y3]], canvas) {
  const [dx1, dx2, sx] = [x1 - x2, x3 - x2, x0 - x1 + x2 - x3];
  const [dy1, dy2, sy] = [y1 - y2, y3 - y2, y0 - y1 + y2 - y3];
  const area = dx1 * dy2 - dx2 * dy1;
  const [g, h] = [(sx * dy2 - dx2 * sy) / area, (dx1 * sy - sx * dy1) / area];
  const u = [x1 - x0 + g * x1, y1 - y0 + g * y1, g];
  const v = [x3 - x0 + h * x3, y3 - y0 + h * y3, h];
  const w = [x0, y0, 1];
  const cross = (a, b) => [0, 1, 2].map((k) => {
    const [i, j] = [(k + 1) % 3, (k + 2) % 3];
    return a[i] * b[j] - a[j] * b[i];
  });
  const scaled = (row) => row.map((value) => (canvas - 1) * value);
  return [scaled(cross(v, w)), scaled(cross(w, u)), cross(u, v)];
}

// Shows pixels through a chain of [matrix, side of its input's canvas], the last applied first.
// What leaves a canvas on the way is black.
function resample(pixels, stages) {
  const view = new Float32Array(pixels.length);
  const chains = [];
  for (const [matrix, canvas] of stages) {
    chains.push([chains.length ? product(matrix, chains.at(-1)[0]) : matrix, canvas]);
  }
  for (let row = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++) {
      let x, y, w;
      const inside = chains.every(([matrix, canvas]) => {
        [x, y, w] = matrix.map(([a, b, c]) => a * (column + 0.5) + b * (row + 0.5) + c);
        return x >= 0 && y >= 0 && x <= canvas * w && y <= canvas * w;
      });
      if (!inside) continue;
      const from = Math.min(SIDE - 1, Math.floor(y / w)) * SIDE + Math.min(SIDE - 1, Math.floor(x / w));
      view.set(pixels.subarray(3 * from, 3 * from + 3), 3 * (row * SIDE + column));
    }
  }
  return view;
}

// A box inside the canvas: its area uniform, its aspect log-uniform; ten tries, else the whole.
function cropBox(canvas, scale, [narrow, wide], random) {
  for (let k = 0; k < 10; k++) {
    const area = canvas ** 2 * between(...scale, random);
    const aspect = Math.exp(between(Math.log(narrow), Math.log(wide), random));
    const sides = [area * aspect, area / aspect].map((square) => Math.round(Math.sqrt(square)));
    if (sides.every((side) => side > 0 && side <= canvas)) {
      return [...sides.map((side) => Math.floor(random() * (canvas + 1 - side))), ...sides];
    }
  }
  return [0, 0, canvas, canvas];
}

const turning = {
  sample({ pad, scale }, random) {
    const box = cropBox(SIDE + 2 * pad, scale, [1, 1], random);
    return { angle: between(0, 2 * Math.PI, random), box };
  },
  apply(pixels, { angle, box }, { pad }) {
    const turn = rotation(angle, SIDE + 2 * pad);
    return resample(pixels, [[product(product(padding(pad), turn), crop(box)), SIDE]]);
  },
};

const warping = {
  sample({ pad, p, translate, shear, distortion, scale, ratio }, random) {
    const canvas = SIDE + 2 * pad;
    const pair = (reach) => [between(-reach, reach, random), between(-reach, reach, random)];
    const inward = () => Math.floor(random() * (Math.trunc(distortion * Math.floor(canvas / 2)) + 1));
    return {
      angle: between(0, 2 * Math.PI, random),
      warped: random() < p,
      shear: pair((shear * Math.PI) / 180),
      shift: pair(translate * canvas).map(Math.round),
      corners: [[0, 0], [1, 0], [1, 1], [0, 1]].map((corner) =>
        corner.map((far) => (far ? canvas - 1 - inward() : inward())),
      ),
      box: cropBox(canvas, scale, ratio, random),
      lastAngle: between(0, 2 * Math.PI, random),
    };
  },
  apply(pixels, { angle, warped, shear, shift, corners, box, lastAngle }, { pad }) {
    const canvas = SIDE + 2 * pad;
    const tilt = warped ? product(perspective(corners, canvas), crop(box)) : crop(box);
    const lean = warped ? [[shearAndShift(shear, shift, canvas), canvas]] : [];
    const turn = product(padding(pad), rotation(angle, canvas));
    return resample(pixels, [[rotation(lastAngle, SIDE), SIDE], [tilt, canvas], ...lean, [turn, SIDE]]);
  },
};

const VIEWS = { A: recoloring, B: turning, C: warping };

// One random view of pixels by the set of that name.
function randomView(name, pixels, random = Math.random) {
  const { sample, apply } = VIEWS[name];
  return apply(pixels, sample(LAB.sets[name], random), LAB.sets[name]);
}
