/** One of the transports compared, as one end of one connection sees it. */
export interface Pipe {
  /** Bytes handed over that have not left yet. */
  queued(): number;
  send(message: Uint8Array): void;
}

export interface End {
  readonly initiator: boolean;
  readonly local: string;
  readonly remote: string;
  readonly port: number;
  /** Words for the other end while it is being set up, carried by the bench itself. */
  signal(word: unknown): void;
  onSignal(take: (word: unknown) => void): void;
  /** Whole messages for `own`, `udx` and `datachannel` alike. */
  onMessage(bytes: Uint8Array): void;
  /** The pipe was full and is not any more; a stack that never says so is asked every 2 ms. */
  onRoom(): void;
}

export type Open = (end: End) => Promise<Pipe>;

export type StackName = 'own' | 'udx' | 'datachannel';

/** How large a piece each likes best in bulk: its own packet, a big write, the usual chunk of a data channel. */
export const BULK_PIECE: Record<StackName, number> = { own: 1140, udx: 16 * 1024, datachannel: 64 * 1024 };

export async function stack(name: StackName): Promise<Open> {
  switch (name) {
    case 'own':
      return (await import('./own.ts')).open;
    case 'udx':
      return (await import('./udx.ts')).open;
    case 'datachannel':
      return (await import('./datachannel.ts')).open;
  }
}
