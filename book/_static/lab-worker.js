// The page's helper: encodes pictures beside the page, so that nothing blocks dragging.
// It is told {load: name, text, about} and {look: number, pixels, own, k}.

const known = new Map(); // by name: {encode, look}, and the decoder

onmessage = async ({ data }) => {
  if ("load" in data) {
    try {
      postMessage({ loaded: data.load, ...(await load(data)) });
    } catch (error) {
      postMessage({ failed: data.load, why: `${error.message ?? error}` });
    }
  } else {
    postMessage({ seen: data.look, results: look(data) });
  }
};

async function load({ load: name, text, about }) {
  const tensors = await unpack(text);
  if (about.images) return { tensors };
  if (about.decoder) {
    known.get(about.decoder).decode = decoder(tensors);
    return {};
  }
  const { map, usual, ...near } = bank(tensors);
  known.set(name, { encode: encoder(tensors, about), ...near });
  return { map, usual };
}

function look({ pixels, own, k, names }) {
  const results = {};
  for (const name of names.filter((name) => known.has(name))) {
    const { encode, nearest, place, decode } = known.get(name);
    const latent = encode(pixels);
    const decoded = decode?.(latent);
    results[name] = { latent, ...nearest(latent, k, own), place: place(latent), decoded };
  }
  return results;
}
