import { type DataChannel, type DescriptionType, PeerConnection, setSctpSettings } from 'node-datachannel';
import type { End, Pipe } from './stack.ts';

const BUFFER = 8 * 1024 * 1024;

type Word =
  | { readonly kind: 'description'; readonly sdp: string; readonly type: string }
  | { readonly kind: 'candidate'; readonly candidate: string; readonly mid: string };

/** A WebRTC data channel, ordered and reliable as it comes, with large SCTP buffers. */
export async function open(end: End): Promise<Pipe> {
  setSctpSettings({ recvBufferSize: BUFFER, sendBufferSize: BUFFER });
  const peer = new PeerConnection(end.initiator ? 'a' : 'b', {
    iceServers: [],
    bindAddress: end.local,
    portRangeBegin: end.port,
    portRangeEnd: end.port,
    maxMessageSize: 256 * 1024,
  });
  peer.onLocalDescription((sdp, type) => end.signal({ kind: 'description', sdp, type }));
  peer.onLocalCandidate((candidate, mid) => end.signal({ kind: 'candidate', candidate, mid }));
  end.onSignal((word) => {
    const told = word as Word;
    if (told.kind === 'description') peer.setRemoteDescription(told.sdp, told.type as DescriptionType);
    else peer.addRemoteCandidate(told.candidate, told.mid);
  });
  const channel = await new Promise<DataChannel>((resolve) => {
    if (!end.initiator) {
      peer.onDataChannel(resolve);
      return;
    }
    const made = peer.createDataChannel('bench');
    made.onOpen(() => resolve(made));
  });
  channel.onMessage((bytes) =>
    end.onMessage(typeof bytes === 'string' ? Buffer.from(bytes) : new Uint8Array(bytes as ArrayBuffer)),
  );
  return {
    queued: () => channel.bufferedAmount(),
    send: (bytes) => {
      channel.sendMessageBinary(bytes);
    },
  };
}
