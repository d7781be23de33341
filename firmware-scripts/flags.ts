/**
 * V8's, for a router: memory before speed. A small young generation and code laid out for size save 3 MB each for a few percent
 * more CPU (`make bench ONLY=memory`). Collecting on the main thread alone spares what one thread allocates and another gives
 * back: of a datagram's passage that is a third of each call of the cipher. hearth.sh has the same.
 */
export const FLAGS = ['--max-semi-space-size=1', '--optimize-for-size', '--single-threaded-gc'];
