// Reads tensors from a text: base64, gzip, safetensors. Runs in a worker.

const KINDS = { F32: Float32Array, I8: Int8Array };

// Returns typed arrays by name, each with its shape. What is damaged or cut off is an error: gzip
// ends with a checksum.
async function unpack(text) {
  const binary = atob(text);
  const packed = Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const buffer = await new Response(stream).arrayBuffer();
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  const tensors = {};
  for (const [name, { dtype, shape, data_offsets: [start, end] }] of Object.entries(header)) {
    const values = new KINDS[dtype](buffer.slice(8 + length + start, 8 + length + end));
    tensors[name] = Object.assign(values, { shape });
  }
  return tensors;
}
