// The validation images' factors, and what of a query's its neighbours share.

// Rows of the data set's table, from the tensors of its columns.
function table({ shape, color, rgb, position, size, angle }) {
  return Array.from(shape, (_, k) => ({
    shape: shape[k],
    color: color[k],
    rgb: rgb.subarray(3 * k, 3 * k + 3),
    x: position[2 * k],
    y: position[2 * k + 1],
    size: size[k],
    angle: angle[k],
  }));
}

// How unlike two rows are in each factor, in the order of the book's tables; NaN where that is no
// question, as for the turn of two circles.
const UNLIKE = {
  colour: (a, b) => Number(a.color !== b.color),
  location: (a, b) => Math.hypot(a.x - b.x, a.y - b.y),
  shape: (a, b) => Number(a.shape !== b.shape),
  size: (a, b) => Math.abs(a.size - b.size),
  rotation: (a, b) => {
    if (a.shape !== b.shape || a.shape === 0) return NaN;
    const period = (2 * Math.PI) / LAB.symmetry[a.shape];
    const apart = (Math.abs(a.angle - b.angle) / period) % 1;
    return Math.min(apart, 1 - apart);
  },
};

const FEWEST = 4; // pairs of which a factor can be compared, or else it says nothing of it

function mean(values) {
  const known = values.filter((value) => !Number.isNaN(value));
  if (known.length < FEWEST) return NaN;
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}

// Of each factor 1 − (unlikeness of the neighbours) ÷ (unlikeness of all images): 1 if they share
// it, 0 if no more than any image does. The book's sensitivity, of one query.
function sharesOf(query, images) {
  const chance = {};
  for (const [factor, unlike] of Object.entries(UNLIKE)) {
    chance[factor] = mean(images.map((image) => unlike(query, image)));
  }
  return (neighbors) => {
    const shares = {};
    for (const [factor, unlike] of Object.entries(UNLIKE)) {
      shares[factor] = 1 - mean(neighbors.map((image) => unlike(query, image))) / chance[factor];
    }
    return shares;
  };
}
