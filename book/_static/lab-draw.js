// Draws a shape from its factors, by the data set's own rule (replearn.shapes.draw).
// Pixels are a Float32Array of 64 × 64 × 3 values in [0, 1], row by row.

const SIDE = 64;

// Of a shape of size 1, so that equal size means equal area: circle, triangle, square.
const CIRCUMRADIUS = [1 / Math.sqrt(Math.PI), Math.sqrt(4 / Math.sqrt(27)), Math.sqrt(0.5)];
const INRADIUS = CIRCUMRADIUS.map((radius, shape) => radius * [1, 0.5, Math.sqrt(0.5)][shape]);
const NORMALS = [[], [0, 2 / 3, 4 / 3], [0, 1 / 2, 1, 3 / 2]]; // of the sides, times π

// A pixel's coverage is its centre's signed distance to the outline, half a pixel to either side.
function draw({ shape, rgb, x, y, size, angle }, pixels = new Float32Array(SIDE * SIDE * 3)) {
  const normals = NORMALS[shape].map((turn) => {
    const at = angle + turn * Math.PI;
    return [Math.cos(at), Math.sin(at)];
  });
  const edge = 0.5 + size * INRADIUS[shape];
  const reach = size * CIRCUMRADIUS[shape] + 1;
  const from = (centre) => Math.max(0, Math.floor(centre - reach));
  const to = (centre) => Math.min(SIDE, Math.ceil(centre + reach));
  pixels.fill(0);
  for (let row = from(y); row < to(y); row++) {
    for (let column = from(x); column < to(x); column++) {
      const dx = column + 0.5 - x;
      const dy = row + 0.5 - y;
      let distance = shape === 0 ? Math.hypot(dx, dy) : -Infinity;
      for (const [cos, sin] of normals) distance = Math.max(distance, dx * cos + dy * sin);
      const coverage = Math.min(1, Math.max(0, edge - distance));
      const at = 3 * (row * SIDE + column);
      for (let channel = 0; channel < 3; channel++) pixels[at + channel] = rgb[channel] * coverage;
    }
  }
  return pixels;
}

// Shows pixels on a canvas of 64 × 64.
function show(canvas, pixels) {
  const context = canvas.getContext("2d");
  const image = (canvas.image ??= context.createImageData(SIDE, SIDE));
  for (let from = 0, to = 0; from < pixels.length; from += 3, to += 4) {
    image.data[to] = 255 * pixels[from];
    image.data[to + 1] = 255 * pixels[from + 1];
    image.data[to + 2] = 255 * pixels[from + 2];
    image.data[to + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}
