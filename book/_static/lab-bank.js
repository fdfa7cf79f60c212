// The validation images as an encoder sees them: neighbours, and a map. Runs in a worker.

function bank({ features, "features.scale": given, mean, axes, usual }) {
  const [count, width] = features.shape;
  const scale = given ?? new Float32Array(width).fill(1);
  const halfSquares = Float64Array.from({ length: count }, (_, row) => {
    let sum = 0;
    for (let k = 0; k < width; k++) sum += (scale[k] * features[row * width + k]) ** 2;
    return sum / 2;
  });

  // The k rows nearest to a latent, near to far, without the row that is the query itself, and the
  // distance of the first. Of a distance ‖q − b‖² the part that the row decides is kept.
  function nearest(latent, k, own) {
    const query = latent.map((value, j) => value * scale[j]);
    const closeness = new Float64Array(k).fill(-Infinity);
    const found = new Int32Array(k);
    for (let row = 0; row < count; row++) {
      if (row === own) continue;
      let close = -halfSquares[row];
      for (let j = 0, at = row * width; j < width; j++) close += query[j] * features[at + j];
      let place = k;
      while (place > 0 && close > closeness[place - 1]) place--;
      if (place < k) {
        closeness.copyWithin(place + 1, place);
        found.copyWithin(place + 1, place);
        closeness[place] = close;
        found[place] = row;
      }
    }
    const square = latent.reduce((sum, value) => sum + value * value, 0);
    return { found, distance: Math.sqrt(Math.max(0, square - 2 * closeness[0])) };
  }

  // Where a latent lies on the map: its two principal components, or the circle itself.
  function place(latent) {
    if (!axes) return [latent[0], latent[1]];
    return [0, 1].map((axis) => {
      let sum = 0;
      for (let k = 0; k < width; k++) sum += (latent[k] - mean[k]) * axes[axis * width + k];
      return sum;
    });
  }

  const map = new Float32Array(2 * count);
  for (let row = 0; row < count; row++) {
    const own = features.subarray(row * width, (row + 1) * width);
    map.set(place(Float32Array.from(own, (value, k) => value * scale[k])), 2 * row);
  }
  return { nearest, place, map, usual: usual[0] };
}
