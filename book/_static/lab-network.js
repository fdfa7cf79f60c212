// The encoder and the decoder of replearn.networks, one image at a time. Runs in a worker.
//
// Weights stay in the 8 bits they come in, and are scaled once a sum is complete. After a ReLU half
// of all values and more are zero: only those that are not are gathered, and each adds its row of
// weights to all outputs at once. So a picture takes encoder A as long as in onnxruntime-web, 9 ms on
// one core, without its 14 MB and without leave to compile WebAssembly.

// What the layers share, made once: the values gathered for a pixel, the row of weights that each
// belongs to, and the sums of all outputs.
const MOST = 16 * 512;
const values = new Float64Array(MOST + 8);
const rows = new Int32Array(MOST + 8);
const sums = new Float64Array(512);

// Layer `name` ("linear" or "convolutions.k") of an encoder, or of a decoder, which goes `up`, on
// maps of side × side.
function layer(tensors, name, side, up) {
  const weight = tensors[`${name}.weight`];
  const [inputs, outputs] = weight.shape.slice(-2);
  const flat = weight.shape.length === 2;
  const kernel = flat ? 1 : weight.shape[0];
  return {
    weight,
    inputs,
    outputs,
    side,
    kernel,
    meetings: flat ? [[[0, 0]]] : meetings(side, kernel, up),
    bias: tensors[`${name}.bias`],
    scale: tensors[`${name}.weight.scale`],
    // A transposed convolution has a scale for each of its inputs, all others for each output.
    scaledFirst: up && !flat,
  };
}

// For each row of the output: which row of the kernel meets which of the input there, as pairs.
// Columns are alike. A convolution halves the side, a transposed one doubles it. Of the kernel's
// four rows the middle two may be all there are.
function meetings(side, kernel, up) {
  const rim = (4 - kernel) / 2;
  const place = up ? (out, k) => (out + 1 - k - rim) / 2 : (out, k) => 2 * out + k + rim - 1;
  return Array.from({ length: up ? 2 * side : side / 2 }, (_, out) =>
    Array.from({ length: kernel }, (_, k) => [k, place(out, k)]).filter(
      ([, at]) => Number.isInteger(at) && at >= 0 && at < side,
    ),
  );
}

// Adds the rows gathered to the sums, eight at a time.
function accumulate(weight, outputs, count) {
  sums.fill(0, 0, outputs);
  while (count % 8) {
    rows[count] = 0;
    values[count++] = 0;
  }
  for (let k = 0; k < count; k += 8) {
    const a = values[k], b = values[k + 1], c = values[k + 2], d = values[k + 3];
    const e = values[k + 4], f = values[k + 5], g = values[k + 6], h = values[k + 7];
    const ra = rows[k], rb = rows[k + 1], rc = rows[k + 2], rd = rows[k + 3];
    const re = rows[k + 4], rf = rows[k + 5], rg = rows[k + 6], rh = rows[k + 7];
    for (let o = 0; o < outputs; o++) {
      sums[o] +=
        a * weight[ra + o] + b * weight[rb + o] + c * weight[rc + o] + d * weight[rd + o] +
        e * weight[re + o] + f * weight[rf + o] + g * weight[rg + o] + h * weight[rh + o];
    }
  }
}

// Applies a layer to a map, row by row, channels last; the last layer of a network has no ReLU.
function apply(layer, input, last = false) {
  const { weight, inputs, outputs, side, kernel, meetings, bias, scale, scaledFirst } = layer;
  const output = new Float32Array(meetings.length ** 2 * outputs);
  let at = 0;
  for (const down of meetings) {
    for (const across of meetings) {
      let count = 0;
      for (const [ky, y] of down) {
        for (const [kx, x] of across) {
          const from = (y * side + x) * inputs;
          const first = (ky * kernel + kx) * inputs;
          for (let c = 0; c < inputs; c++) {
            const value = input[from + c];
            if (value !== 0) {
              rows[count] = (first + c) * outputs;
              values[count++] = scaledFirst ? value * scale[c] : value;
            }
          }
        }
      }
      accumulate(weight, outputs, count);
      for (let o = 0; o < outputs; o++) {
        const sum = (scaledFirst ? sums[o] : sums[o] * scale[o]) + bias[o];
        output[at++] = last || sum > 0 ? sum : 0;
      }
    }
  }
  return output;
}

// An encoder: pixels to latents, unit vectors if `normalize`; on the `circle` two components count.
function encoder(tensors, { normalize, circle }) {
  const layers = [0, 1, 2, 3, 4, 5].map((k) => layer(tensors, `convolutions.${k}`, 64 >> k));
  const linear = layer(tensors, "linear", 1);
  return (pixels) => {
    let map = pixels.map((value) => 2 * value - 1);
    for (const layer of layers) map = apply(layer, map);
    const latent = apply(linear, map, true).subarray(0, circle ? 2 : undefined);
    const norm = normalize ? Math.hypot(...latent) : 1;
    return latent.map((value) => value / norm);
  };
}

// A decoder: latents to pixels, near [0, 1].
function decoder(tensors) {
  const linear = layer(tensors, "linear", 1, true);
  const layers = [0, 1, 2, 3, 4, 5].map((k) => layer(tensors, `convolutions.${k}`, 1 << k, true));
  return (latent) => {
    let map = apply(linear, latent);
    layers.forEach((layer, k) => (map = apply(layer, map, k === 5)));
    return map.map((value) => 0.5 + 0.5 * value);
  };
}
