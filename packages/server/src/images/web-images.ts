import { lookup as resolve } from "node:dns";
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import { isIP, type LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";
import type { ImageSource } from "medinfer";
import { Problem } from "../http/problem.js";
import { inlineImages, type ImageUrls } from "./image-reader.js";

export interface WebImageOptions {
  /** Hosts that images may come from, e.g. `"pacs.hospital.example"`. Default: any. */
  hosts?: readonly string[];
  /** Most bytes of an image. Default 20 MiB. */
  maxBytes?: number;
  /** Milliseconds after which it is given up, redirects included. Default 10 s. */
  timeoutMs?: number;
  /**
   * Whether an address may be connected to. Default: public ones alone, so that no request reaches what only this host
   * can: itself, its network, its cloud's metadata.
   */
  allows?: (address: string) => boolean;
}

const MOST_REDIRECTS = 3;

/**
 * Takes images of web servers too. Addresses are looked at where the socket connects, behind the resolver: a name may resolve
 * to one thing when it is checked and to another when it is used, and each redirect is a new address.
 */
export class WebImages implements ImageUrls {
  readonly #hosts: readonly string[] | undefined;
  readonly #maxBytes: number;
  readonly #timeoutMs: number;
  readonly #allows: (address: string) => boolean;

  constructor({ hosts, maxBytes = 20 * 2 ** 20, timeoutMs = 10_000, allows = isPublic }: WebImageOptions = {}) {
    this.#hosts = hosts?.map((host) => host.toLowerCase());
    this.#maxBytes = maxBytes;
    this.#timeoutMs = timeoutMs;
    this.#allows = allows;
  }

  async read(url: string, param: string): Promise<ImageSource> {
    if (!/^https?:/i.test(url)) return inlineImages.read(url, param);
    try {
      return await this.#fetch(new URL(url), AbortSignal.timeout(this.#timeoutMs), MOST_REDIRECTS);
    } catch (error) {
      const why =
        error instanceof Refusal ? error.message : "could not be fetched: its server did not answer with an image";
      throw new Problem(400, "image_fetch_failed", `${param} ${why}`, { param });
    }
  }

  async #fetch(url: URL, signal: AbortSignal, redirects: number): Promise<Uint8Array> {
    if (url.protocol !== "http:" && url.protocol !== "https:") throw new Refusal("leads to another protocol than http");
    const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
    if (this.#hosts !== undefined && !this.#hosts.includes(host.toLowerCase())) {
      throw new Refusal("is of a host that images are not taken from");
    }
    // Of an address nothing is looked up. (URL has made dotted ones of decimal, octal and short ones.)
    if (isIP(host) !== 0) this.#check(host);
    const response = await this.#request(url, signal);
    const { statusCode = 0, headers } = response;
    if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
      response.destroy();
      if (redirects === 0) throw new Refusal("is redirected too often");
      return this.#fetch(new URL(headers.location, url), signal, redirects - 1);
    }
    if (statusCode !== 200) {
      response.destroy();
      throw new Refusal(`could not be fetched: its server answered ${statusCode}`);
    }
    return this.#bytes(response);
  }

  #request(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
    const { get } = url.protocol === "https:" ? https : http;
    return new Promise((done, fail) => {
      // No proxy, no kept connection: each is checked for itself.
      get(url, { signal, agent: false, lookup: this.#lookup, headers: { accept: "image/*" } }, done).on("error", fail);
    });
  }

  readonly #lookup: LookupFunction = (name, options, callback) => {
    resolve(name, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, []);
      try {
        for (const { address } of addresses) this.#check(address);
      } catch (refusal) {
        return callback(refusal as Error, []);
      }
      const [first] = addresses;
      if (options.all === true) callback(null, addresses);
      else callback(null, first!.address, first!.family);
    });
  };

  #check(address: string): void {
    if (!this.#allows(address)) throw new Refusal("is of an address in a private network, which no request may reach");
  }

  async #bytes(response: IncomingMessage): Promise<Uint8Array> {
    const parts: Buffer[] = [];
    let length = 0;
    for await (const part of response as AsyncIterable<Buffer>) {
      length += part.length;
      if (length > this.#maxBytes) throw new Refusal(`has more than ${this.#maxBytes} bytes`);
      parts.push(part);
    }
    return Buffer.concat(parts);
  }
}

/** Why an image is not taken: a sentence that quotes nothing. */
class Refusal extends Error {}

/** Neither of this host nor of its networks, in whatever way it is written: mapped, translated or tunnelled. */
export function isPublic(address: string): boolean {
  return ipaddr.process(address).range() === "unicast";
}
