// Loads the encoders and hands them to workers, which answer what their encoders see.

// ---- Scripts that bring tensors

const BASE = new URL(".", document.currentScript.src); // the site's folder _static
const delivered = new Map();
const deliver = (name, text) => delivered.set(name, text);

function load(name) {
  const { file } = LAB.files[name];
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL(`lab/${file}`, BASE);
    script.onload = () => {
      script.remove();
      const text = delivered.get(name);
      delivered.delete(name);
      if (text) resolve(text);
      else reject(new Error(`${file} is damaged`));
    };
    script.onerror = () => reject(new Error(`${file} is missing`));
    document.head.append(script);
  });
}
// ---- Workers, each with some of the encoders

class Workers {
  #workers = [];
  #homes = new Map(); // by name of an encoder
  #answers = new Map(); // by what is awaited
  #broken = null; // why none can be expected any more

  constructor(count) {
    const source = URL.createObjectURL(new Blob([LAB_WORKER], { type: "text/javascript" }));
    for (let k = 0; k < count; k++) {
      const worker = new Worker(source);
      worker.onmessage = ({ data }) => this.#hear(worker, data);
      worker.onerror = ({ message }) => this.#break(message ?? "a worker cannot be started");
      this.#workers.push(worker);
    }
  }

  #hear(worker, { loaded, failed, seen, ...rest }) {
    const key = loaded ?? failed ?? `${this.#workers.indexOf(worker)}:${seen}`;
    const { resolve, reject } = this.#answers.get(key);
    this.#answers.delete(key);
    if (failed) reject(new Error(`${LAB.files[failed].file} is damaged (${rest.why})`));
    else resolve(rest);
  }

  #break(why) {
    this.#broken = new Error(`the encoders cannot run here (${why})`);
    for (const { reject } of this.#answers.values()) reject(this.#broken);
  }

  #ask(worker, key, message) {
    return new Promise((resolve, reject) => {
      if (this.#broken) return reject(this.#broken);
      this.#answers.set(key, { resolve, reject });
      worker.postMessage(message);
    });
  }

  // Hands a file's text to a worker: a decoder's to its encoder's, which has no other encoder as
  // decoding takes longest; the others take turns.
  load(name, text, about) {
    const [first, ...others] = this.#workers;
    const turn = others[(this.#homes.size - 1) % others.length];
    const worker = this.#homes.get(about.decoder) ?? (this.#homes.size ? (turn ?? first) : first);
    if (!about.decoder && !about.images) this.#homes.set(name, worker);
    return this.#ask(worker, name, { load: name, text, about });
  }

  // What the named encoders make of pixels, by name.
  async look(number, question) {
    const asked = this.#workers.map((worker, k) =>
      this.#ask(worker, `${k}:${number}`, { look: number, ...question }),
    );
    return Object.assign({}, ...(await Promise.all(asked)).map(({ results }) => results));
  }
}
