// The shape that the reader holds, and the address that keeps it.
//
// Held is {shape, x, y, size, angle, hue, saturation, brightness}: pixels from the upper left
// corner, degrees, shares; `image` as well while it is a validation image, untouched.

const LIMITS = {
  x: [0, 64],
  y: [0, 64],
  size: [6, 60],
  angle: [0, 360],
  hue: [0, 360],
  saturation: [0, 1],
  brightness: [0, 1],
};
const wrap = (degrees) => ((degrees % 360) + 360) % 360;

const START = { shape: 1, x: 26, y: 26, size: 24, angle: 20, ...fromRgb(LAB.palette[4]) };

function toRgb({ hue, saturation, brightness }) {
  return [5, 3, 1].map((k) => {
    const t = (k + hue / 60) % 6;
    return brightness * (1 - saturation * Math.max(0, Math.min(t, 4 - t, 1)));
  });
}

function fromRgb([red, green, blue]) {
  const value = Math.max(red, green, blue);
  const chroma = value - Math.min(red, green, blue);
  let sixths = 0;
  if (chroma > 0) {
    if (value === red) sixths = (green - blue) / chroma;
    else if (value === green) sixths = 2 + (blue - red) / chroma;
    else sixths = 4 + (red - green) / chroma;
  }
  return {
    hue: wrap(60 * sixths),
    saturation: value > 0 ? chroma / value : 0,
    brightness: value,
  };
}

// The class whose colour is nearest, and how far it is in the channel that differs most.
function colorClass(rgb) {
  const away = LAB.palette.map((color) => Math.max(...color.map((c, k) => Math.abs(c - rgb[k]))));
  const distance = Math.min(...away);
  return { color: away.indexOf(distance), distance };
}

// What is held as a row of the data set's table; angles are radians there.
function factorsOf(held) {
  const rgb = toRgb(held);
  const { shape, x, y, size, angle } = held;
  return { shape, color: colorClass(rgb).color, rgb, x, y, size, angle: (angle * Math.PI) / 180 };
}

function heldFrom({ shape, rgb, x, y, size, angle }) {
  return { shape, x, y, size, angle: wrap((angle * 180) / Math.PI), ...fromRgb(rgb) };
}

function describe(held) {
  const { shape, color, x, y, size } = factorsOf(held);
  const turned = shape ? `, turned by ${Math.round(held.angle)}°` : "";
  const what = `${LAB.colors[color]} ${LAB.shapes[shape]}`;
  return `${what}, ${size.toFixed(0)} px, at (${x.toFixed(0)}, ${y.toFixed(0)})${turned}`;
}

// What of it no training image has, in words.
function beyond(held) {
  const { shape, rgb, x, y, size } = factorsOf(held);
  const [least, most] = LAB.sizes;
  const reach = size * CIRCUMRADIUS[shape];
  const found = [];
  if (size < least || size > most) found.push(`its size (they are ${least} to ${most} px)`);
  if (Math.min(x, y) < reach || Math.max(x, y) > SIDE - reach) found.push("being so near the edge");
  if (colorClass(rgb).distance > LAB.shade + 1e-6) found.push("its colour");
  return found;
}

// ---- The address: #shape=triangle&x=20&..., or #image=17, or #experiment=2

function addressOf(held) {
  if ("image" in held) return `#image=${held.image}`;
  const numbers = Object.keys(LIMITS).map((name) => `${name}=${+held[name].toFixed(2)}`);
  return `#shape=${LAB.shapes[held.shape]}&${numbers.join("&")}`;
}

// Reads an address; a sentence for everything in it that cannot be.
function readAddress(hash) {
  const told = { held: { ...START }, complaints: [] };
  if (!hash.includes("=")) return told;
  const refuse = (name, value, allowed) =>
    told.complaints.push(`The address says ${name}=${value.slice(0, 40)}; allowed is ${allowed}.`);
  const whole = (name, value, most) => {
    const number = Number(value);
    const right = value.trim() !== "" && Number.isInteger(number) && number >= 0 && number <= most;
    if (right) told[name] = number;
    else refuse(name, value, `a whole number from 0 to ${most}`);
  };
  for (const [name, value] of new URLSearchParams(hash.slice(1))) {
    if (name === "image") whole(name, value, LAB.images - 1);
    else if (name === "experiment") whole(name, value, EXPERIMENTS.length);
    else if (name === "shape") {
      if (LAB.shapes.includes(value)) told.held.shape = LAB.shapes.indexOf(value);
      else refuse(name, value, LAB.shapes.join(", "));
    } else if (name in LIMITS) {
      const [low, high] = LIMITS[name];
      const number = Number(value);
      if (value.trim() !== "" && number >= low && number <= high) told.held[name] = number;
      else refuse(name, value, `a number from ${low} to ${high}`);
    } else {
      refuse(name, value, `one of shape, ${Object.keys(LIMITS).join(", ")}, image, experiment`);
    }
  }
  return told;
}
