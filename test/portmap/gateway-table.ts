/** One line of the table. Times in ms of the gateway's clock. */
export interface Entry {
  readonly external: number;
  readonly ip: string;
  readonly internal: number;
  readonly description: string;
  readonly expires: number;
  /** Seconds; 0 for ever. */
  readonly lifetime: number;
  /** PCP's, in hexadecimal. */
  readonly nonce?: string;
}

/** A hole in the firewall of IPv6, from everybody to one of its hosts. */
export interface Pinhole {
  readonly id: number;
  readonly ip: string;
  readonly port: number;
  readonly expires: number;
}

/** The mappings of a gateway, of UDP. */
export class GatewayTable {
  readonly #pinholes = new Map<number, Pinhole>();
  #ids = 0;
  readonly #entries = new Map<number, Entry>();
  readonly #taken: ReadonlySet<number>;
  readonly #lying: boolean;
  readonly #longest: number;

  constructor(options: { readonly taken?: readonly number[]; readonly lying?: boolean; readonly longest?: number }) {
    this.#taken = new Set(options.taken);
    this.#lying = options.lying ?? false;
    this.#longest = options.longest ?? 86_400;
  }

  /** Those that have not run out, by port. */
  entries(now: number): readonly Entry[] {
    for (const { external, expires } of this.#entries.values()) if (expires <= now) this.#entries.delete(external);
    return [...this.#entries.values()].toSorted((a, b) => a.external - b.external);
  }

  at(external: number, now: number): Entry | undefined {
    return this.entries(now).find((entry) => entry.external === external);
  }

  of(ip: string, internal: number, now: number): Entry | undefined {
    return this.entries(now).find((entry) => entry.ip === ip && entry.internal === internal);
  }

  isFree(external: number, ip: string, internal: number, now: number): boolean {
    if (external === 0 || this.#taken.has(external)) return false;
    const entry = this.at(external, now);
    return entry === undefined || (entry.ip === ip && entry.internal === internal);
  }

  /** The port itself, or the next one that is free. */
  nextFree(wished: number, ip: string, internal: number, now: number): number {
    let port = wished === 0 ? internal : wished;
    while (!this.isFree(port, ip, internal, now)) port = port >= 65_535 ? 1024 : port + 1;
    return port;
  }

  /** What it really got, in seconds. */
  put(entry: Omit<Entry, 'expires'>, now: number): number {
    const lifetime = entry.lifetime === 0 ? 0 : Math.min(entry.lifetime, this.#longest);
    const expires = lifetime === 0 ? Infinity : now + lifetime * 1000;
    if (!this.#lying) this.#entries.set(entry.external, { ...entry, lifetime, expires });
    return lifetime;
  }

  delete(external: number): boolean {
    return this.#entries.delete(external);
  }

  clear(): void {
    this.#entries.clear();
    this.#pinholes.clear();
  }

  pinholes(now: number): readonly Pinhole[] {
    for (const { id, expires } of this.#pinholes.values()) if (expires <= now) this.#pinholes.delete(id);
    return [...this.#pinholes.values()];
  }

  /** The same again is the same one. `lifetime` in seconds; answers with its number. */
  open(ip: string, port: number, lifetime: number, now: number): number {
    const id = this.pinholes(now).find((one) => one.ip === ip && one.port === port)?.id ?? ++this.#ids;
    if (!this.#lying) this.#pinholes.set(id, { id, ip, port, expires: now + lifetime * 1000 });
    return id;
  }

  shut(id: number): void {
    this.#pinholes.delete(id);
  }

  /** Writes an entry of somebody else. */
  occupy(external: number, ip: string): void {
    this.#entries.set(external, { external, ip, internal: external, description: '', expires: Infinity, lifetime: 0 });
  }
}
