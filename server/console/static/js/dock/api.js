/**
 * Requests to the server: with the reader's cookie, or with the device's own token and a proof of
 * its key for each (RFC 9449).  Trouble that passes is waited out by `persist`, for ever.
 */
import { requestProof } from "./wire.js";

const API = "/api/v1";
const PASSING = new Set([408, 423, 425, 429, 500, 502, 503, 504]);
const RENEWABLE = new Set(["token-expired", "token-invalid"]);
const WAIT_MS = 500;
const WAIT_MS_MAX = 30_000;
const EARLY_MS = 30_000;

/** A refusal; `slug` names the problem, `passing` tells whether to try again. */
export class Refused extends Error {
  /** @param {number} status 0: no answer came @param {string} slug @param {number} waitMs */
  constructor(status, slug, waitMs = 0) {
    super(`${status} ${slug}`);
    this.status = status;
    this.slug = slug;
    this.waitMs = waitMs;
  }

  get passing() {
    return this.status === 0 || PASSING.has(this.status);
  }
}

/** @param {Response} response */
async function refusal(response) {
  let slug = "";
  try {
    slug = String((await response.clone().json()).type ?? "").split(":").at(-1) ?? "";
  } catch {
    // Some proxies answer in their own words.
  }
  const seconds = Number(response.headers.get("Retry-After"));
  return new Refused(response.status, slug, Number.isFinite(seconds) ? seconds * 1000 : 0);
}

/** @param {string} address @param {RequestInit} how */
async function sent(address, how) {
  try {
    return await fetch(address, how);
  } catch (error) {
    if (/** @type {Error} */ (error).name === "AbortError") throw error;
    throw new Refused(0, "network");
  }
}

/** As the person who is signed in. @param {string} method @param {string} path
 * @param {any} [json] @returns {Promise<any>} */
export async function asPerson(method, path, json) {
  /** @type {Record<string, string>} */
  const headers = json === undefined ? {} : { "Content-Type": "application/json" };
  const body = json === undefined ? undefined : JSON.stringify(json);
  const response = await sent(API + path, { method, headers, body });
  if (!response.ok) throw await refusal(response);
  return response.json();
}

export class DeviceApi {
  /** @param {string} origin as the server calls itself @param {import("./wire.js").DeviceKey} key */
  constructor(origin, key) {
    this.origin = origin;
    this.key = key;
    /** @type {string | null} */
    this.nonce = null;
    this.token = "";
    this.goodUntil = 0;
  }

  /** @param {string} path @param {any} json @returns {Promise<any>} */
  async post(path, json) {
    const headers = { "Content-Type": "application/json" };
    return (await this.call("POST", path, { headers, body: JSON.stringify(json) })).json();
  }

  /** @param {string} path @returns {Promise<any>} */
  async get(path) {
    return (await this.call("GET", path)).json();
  }

  /** One request with the device's token, renewed once if it has to be.
   * @param {string} method @param {string} path below /api/v1, or whole @param {RequestInit} [how]
   * @returns {Promise<Response>} */
  async call(method, path, how = {}) {
    const whole = path.startsWith(API) ? path : API + path;
    for (let again = true; ; again = false) {
      if (performance.now() >= this.goodUntil) await this.renew();
      try {
        return await this.proven(method, whole, how, this.token);
      } catch (error) {
        if (!again || !(error instanceof Refused) || !RENEWABLE.has(error.slug)) throw error;
        this.goodUntil = 0;
      }
    }
  }

  async renew() {
    const how = {
      headers: { "Content-Type": "application/json" }, body: JSON.stringify({ grant: "device" }),
    };
    const answer = await (await this.proven("POST", `${API}/auth/token`, how, null)).json();
    this.token = answer.access_token;
    this.goodUntil = performance.now() + Math.max(1000, answer.expires_in * 1000 - EARLY_MS);
  }

  /** @param {string} method @param {string} whole @param {RequestInit} how
   * @param {string | null} token @returns {Promise<Response>} */
  async proven(method, whole, how, token) {
    const address = this.origin + whole.split("?")[0];
    for (let again = true; ; again = false) {
      const proof = await requestProof(this.key, method, address, this.nonce, token);
      const headers = new Headers(how.headers);
      headers.set("DPoP", proof);
      if (token) headers.set("Authorization", `DPoP ${token}`);
      const credentials = "omit";
      const response = await sent(whole, { ...how, method, headers, credentials, cache: "no-store" });
      this.nonce = response.headers.get("DPoP-Nonce") ?? this.nonce;
      if (response.ok) return response;
      const refused = await refusal(response);
      if (again && refused.slug === "use-dpop-nonce") continue;
      throw refused;
    }
  }
}

/**
 * Do `step` until it succeeds or is refused for good; trouble that passes is waited out with full
 * jitter and `Retry-After`.
 * @template T
 * @param {() => Promise<T>} step
 * @param {{signal?: AbortSignal, onWait?: (refused: Refused, waitMs: number) => void}} [how]
 * @returns {Promise<T>}
 */
export async function persist(step, { signal, onWait } = {}) {
  for (let tries = 0; ; tries += 1) {
    signal?.throwIfAborted();
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof Refused) || !error.passing) throw error;
      const most = Math.min(WAIT_MS_MAX, WAIT_MS * 2 ** Math.min(tries, 10));
      const waitMs = Math.max(error.waitMs, Math.random() * most);
      onWait?.(error, waitMs);
      await pause(waitMs, signal);
    }
  }
}

/** @param {number} waitMs @param {AbortSignal} [signal] @returns {Promise<void>} */
export function pause(waitMs, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, waitMs);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}
