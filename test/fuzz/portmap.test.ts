import { test } from 'vitest';
import { bytesOf, fromHex, textOf } from '../../agent/base/bytes.ts';
import { decodeDescription } from '../../agent/portmap/description.ts';
import { decodeNatPmp } from '../../agent/portmap/natpmp.ts';
import { decodePcp } from '../../agent/portmap/pcp.ts';
import { decodeSoap } from '../../agent/portmap/soap.ts';
import { decodeSsdp } from '../../agent/portmap/ssdp.ts';
import { readXml } from '../../agent/portmap/xml.ts';
import { FAULTS, VENDORS } from '../portmap/vendors.ts';
import { hammer } from './hammer.ts';

const hexes = (...texts: readonly string[]): readonly Uint8Array[] =>
  texts.map((text) => fromHex(text) ?? new Uint8Array(0));

test('what PCP gateways say is read or refused', () => {
  const head = '0281000000000e1000000064000000000000000000000000';
  const mapping = '000102030405060708090a0b11000000a029a02a00000000000000000000ffffcb007150';
  hammer(
    hexes(`${head}${mapping}`, `${head}${mapping}02000000`, head.replace('0281', '0280')),
    (bytes) => void decodePcp(bytes),
  );
});

test('what NAT-PMP gateways say is read or refused', () => {
  const good = hexes('0080000000000064cb007150', '0081000000000064a029a02a00000e10', '0080000300000064');
  hammer(good, (bytes) => void decodeNatPmp(bytes));
});

test('what devices tell of themselves over SSDP is read or refused', () => {
  const answer =
    'HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nLOCATION: http://192.168.1.1:5000/d.xml\r\nBOOTID.UPNP.ORG: 3\r\n\r\n';
  const alive = 'NOTIFY * HTTP/1.1\r\nNTS: ssdp:alive\r\nNT: urn:x\r\nLOCATION: http://192.168.1.1:5000/d.xml\r\n\r\n';
  hammer(
    [bytesOf(answer), bytesOf(alive), bytesOf(alive.replace('alive', 'byebye'))],
    (bytes) => void decodeSsdp(bytes),
  );
});

test('descriptions of devices are read or refused', () => {
  hammer(
    VENDORS.map(({ description }) => bytesOf(description)),
    (bytes) => void decodeDescription(bytes),
  );
});

test('answers to actions are read or refused', () => {
  hammer(
    FAULTS.map(([, text]) => bytesOf(text)),
    (bytes) => void decodeSoap(bytes, 'AddPortMapping'),
  );
});

test('any text is taken for XML or refused', () => {
  hammer(
    VENDORS.map(({ description }) => bytesOf(description)),
    (bytes) => void readXml(textOf(bytes)),
  );
});
