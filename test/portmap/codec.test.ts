import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOf, fromHex, hex, textOf } from '../../agent/base/bytes.ts';
import { decodeNatPmp, encodeAddressQuestion, encodeMapping } from '../../agent/portmap/natpmp.ts';
import { decodePcp, encodeAnnounce, encodeMap } from '../../agent/portmap/pcp.ts';
import { decodeSaved } from '../../agent/portmap/saved.ts';
import { actionHeaders, encodeAction } from '../../agent/portmap/soap.ts';
import { decodeSsdp, encodeSearch } from '../../agent/portmap/ssdp.ts';
import { allowedControl, allowedLocation } from '../../agent/portmap/url.ts';
import { escaped, LONGEST_DOCUMENT, readXml } from '../../agent/portmap/xml.ts';

const bytes = (text: string): Uint8Array => fromHex(text.replaceAll(' ', '')) ?? new Uint8Array(0);

describe('PCP', () => {
  const nonce = bytes('000102030405060708090a0b');

  test('a request for a mapping is 60 bytes as RFC 6887 draws them, and its options come behind', () => {
    const request = { own: '192.168.1.2', nonce, internal: 41_001, external: 41_002, lifetime: 7200 };
    const plain =
      '02010000 00001c20 00000000000000000000ffffc0a80102 000102030405060708090a0b 11000000 a029 a02a 00000000000000000000ffff00000000';
    expect(hex(encodeMap(request))).toBe(plain.replaceAll(' ', ''));
    const whole = encodeMap({ ...request, thirdParty: '192.168.1.9', preferFailure: true });
    expect(hex(whole.subarray(60))).toBe('0100001000000000000000000000ffffc0a8010902000000');
    expect(whole.length % 4).toBe(0);
  });

  test('over IPv6 the address stands as it is', () => {
    expect(hex(encodeAnnounce('2001:db8::2'))).toBe('020000000000000020010db8000000000000000000000002');
  });

  const MAP =
    '0281 00 00 00000e10 00000064 000000000000000000000000 000102030405060708090a0b 11000000 a029 a02a 00000000000000000000ffffcb007150';

  test('an answer is read', () => {
    expect(decodePcp(bytes(MAP))).toEqual({
      kind: 'map',
      result: 'success',
      lifetime: 3600,
      epoch: 100,
      mapping: { nonce, internal: 41_001, external: 41_002, externalIp: '203.0.113.80' },
    });
    expect(decodePcp(bytes('0280 0000 00000000 00000007 000000000000000000000000'))).toEqual({
      kind: 'announce',
      result: 'success',
      epoch: 7,
    });
  });

  test.each([
    ['another version', '01810001', { kind: 'version', version: 1 }],
    ['NAT-PMP', '0080000100000001', { kind: 'version', version: 0 }],
    ['one byte', '02', 'truncated'],
    ['nothing', '', 'truncated'],
    ['a request', '0201', 'not-an-answer'],
    ['half a header', '028100000000', 'truncated'],
    ['a mapping cut off', MAP.replaceAll(' ', '').slice(0, 100), 'truncated'],
    ['TCP', MAP.replace('11000000', '06000000'), 'not-udp'],
    ['an opcode nobody has', MAP.replace('0281', '0285'), 'unknown-opcode'],
    ['a result nobody has', MAP.replace('0281 00 00', '0281 00 63'), 'unknown-result'],
    ['1104 bytes', MAP.replaceAll(' ', '').padEnd(2208, '0'), 'too-long'],
  ])('%s is named or refused', (_what, text, expected) => {
    expect(decodePcp(bytes(text))).toEqual(expected);
  });
});

describe('NAT-PMP', () => {
  test('questions are as RFC 6886 draws them', () => {
    expect(hex(encodeAddressQuestion())).toBe('0000');
    expect(hex(encodeMapping(41_001, 41_002, 7200))).toBe('00010000a029a02a00001c20');
  });

  test.each([
    ['an address', '0080 0000 00000064 cb007150', { kind: 'address', epoch: 100, ip: '203.0.113.80' }],
    [
      'a mapping',
      '0081 0000 00000064 a029 a02a 00000e10',
      { kind: 'mapping', epoch: 100, internal: 41_001, external: 41_002, lifetime: 3600 },
    ],
    ['a short error', '0080 0003 00000064', { kind: 'error', of: 'address', result: 'network-failure', epoch: 100 }],
    [
      'a long error',
      '0081 0004 00000064 a029 0000 00000000',
      { kind: 'error', of: 'mapping', result: 'no-resources', epoch: 100 },
    ],
    ['one byte, which crashes others', '00', 'truncated'],
    ['six bytes, which crash others', '008000000000', 'truncated'],
    ['20 bytes', '0080 0000 00000064 cb007150 0000000000000000', 'trailing-bytes'],
    ['PCP', '0281 0000 00000000', 'version'],
    ['a question', '0000 0000 00000000', 'not-an-answer'],
    ['TCP', '0082 0000 00000064 a029 a02a 00000e10', 'unknown-opcode'],
    ['a result nobody has', '0081 0009 00000064', 'unknown-result'],
    ['an address cut off', '0080 0000 00000064 cb00', 'truncated'],
  ])('%s', (_what, text, expected) => {
    expect(decodeNatPmp(bytes(text))).toEqual(expected);
  });
});

describe('SSDP', () => {
  test('a search names whom it asks', () => {
    const text = textOf(encodeSearch('upnp:rootdevice', { ip: '192.168.1.1', port: 1900 }));
    expect(text).toBe(
      'M-SEARCH * HTTP/1.1\r\nHOST: 192.168.1.1:1900\r\nMAN: "ssdp:discover"\r\nMX: 1\r\nST: upnp:rootdevice\r\n\r\n',
    );
  });

  const answer = (...headers: readonly string[]): Uint8Array =>
    bytesOf(['HTTP/1.1 200 OK', ...headers, '', ''].join('\r\n'));
  const notify = (...headers: readonly string[]): Uint8Array =>
    bytesOf(['NOTIFY * HTTP/1.1', ...headers, '', ''].join('\r\n'));
  const device = {
    kind: 'device',
    location: 'http://192.168.1.1:5000/d.xml',
    target: '',
    bootId: undefined,
  };

  test.each([
    ['an answer', answer('LOCATION: http://192.168.1.1:5000/d.xml', 'BOOTID.UPNP.ORG: 7'), { ...device, bootId: 7 }],
    ['letters of any size and no blanks', answer('Location:http://192.168.1.1:5000/d.xml'), device],
    ['line feeds alone', bytesOf('HTTP/1.1 200 OK\nlocation: http://192.168.1.1:5000/d.xml\n\n'), device],
    ['the first of two', answer('LOCATION: http://192.168.1.1:5000/d.xml', 'LOCATION: http://6.6.6.6/'), device],
    [
      'a life sign',
      notify('LOCATION: http://192.168.1.1:5000/d.xml', 'NTS: ssdp:alive', 'NT: urn:x'),
      { ...device, target: 'urn:x' },
    ],
    ['a farewell', notify('NTS: ssdp:byebye', 'NT: urn:x'), { kind: 'byebye', target: 'urn:x' }],
    ['no location', answer('ST: urn:x'), 'no-location'],
    ['an error', bytesOf('HTTP/1.1 404 Not Found\r\n\r\n'), 'not-ssdp'],
    ['a search', encodeSearch('x', { ip: '192.168.1.1', port: 1900 }), 'not-ssdp'],
    ['a notification of another kind', notify('NTS: upnp:propchange'), 'not-ssdp'],
    ['too many headers', answer(...Array.from({ length: 50 }, (_, i) => `A${i}: b`)), 'malformed'],
    ['3 kB', answer(`A: ${'x'.repeat(3000)}`), 'too-long'],
  ])('%s', (_what, text, expected) => {
    expect(decodeSsdp(text)).toEqual(expected);
  });
});

describe('where a gateway may be asked', () => {
  test.each([
    [
      'http://192.168.1.1:5000/rootDesc.xml',
      '192.168.1.1',
      { to: { ip: '192.168.1.1', port: 5000 }, path: '/rootDesc.xml' },
    ],
    ['HTTP://192.168.1.1/d', '192.168.1.1', { to: { ip: '192.168.1.1', port: 80 }, path: '/d' }],
    ['http://192.168.1.1:5000', '192.168.1.1', { to: { ip: '192.168.1.1', port: 5000 }, path: '/' }],
    ['http://[fd00::1]:5000/d', 'fd00::1', { to: { ip: 'fd00::1', port: 5000 }, path: '/d' }],
    ['http://192.168.1.66:5000/d', '192.168.1.1', 'not-the-gateway'],
    ['http://192.168.1.1@6.6.6.6/d', '192.168.1.1', 'not-http'],
    ['http://router.lan/d', '192.168.1.1', 'not-http'],
    ['https://192.168.1.1/d', '192.168.1.1', 'not-http'],
    ['file:///etc/passwd', '192.168.1.1', 'not-http'],
    ['http://0300.0250.1.1/d', '192.168.1.1', 'not-http'],
    ['http://192.168.1.1:0/d', '192.168.1.1', 'bad-port'],
    ['http://192.168.1.1:99999/d', '192.168.1.1', 'bad-port'],
    ['http://192.168.1.1/a b', '192.168.1.1', 'bad-path'],
    ['http://192.168.1.1/a\r\nX: y', '192.168.1.1', 'bad-path'],
    [`http://192.168.1.1/${'a'.repeat(2000)}`, '192.168.1.1', 'bad-path'],
    ['http://203.0.113.1:5000/d', '203.0.113.1', 'not-on-the-lan'],
    ['http://100.64.0.1:5000/d', '100.64.0.1', { to: { ip: '100.64.0.1', port: 5000 }, path: '/d' }],
  ])('location %s of gateway %s', (location, gateway, expected) => {
    expect(allowedLocation(location, gateway)).toEqual(expected);
  });

  const description = { to: { ip: '192.168.1.1', port: 5000 }, path: '/igd/desc.xml?a=/b' };
  test.each([
    ['/ctl', undefined, '/ctl'],
    ['ctl', undefined, '/igd/ctl'],
    ['ctl', 'http://192.168.1.1:5000/base/', '/base/ctl'],
    ['ctl', 'http://192.168.1.1:5000', '/ctl'],
    ['ctl', 'http://6.6.6.6:5000/base/', '/igd/ctl'],
    ['http://192.168.1.1:5000/ctl', undefined, '/ctl'],
    ['http://192.168.1.1:5001/ctl', undefined, 'elsewhere'],
    ['http://192.168.1.66:5000/ctl', undefined, 'elsewhere'],
    ['//6.6.6.6/ctl', undefined, 'elsewhere'],
    ['https://192.168.1.1:5000/ctl', undefined, 'not-http'],
    ['javascript:alert(1)', undefined, 'not-http'],
    ['/ctl\u0000', undefined, 'bad-path'],
  ])('control %s with base %s', (control, base, expected) => {
    const place = allowedControl(control, base, description);
    expect(typeof place === 'string' ? place : place.path).toBe(expected);
    if (typeof place !== 'string') expect(place.to).toEqual(description.to);
  });
});

describe('XML', () => {
  test.each([
    ['<a>x</a>', { name: 'a', text: 'x', children: [] }],
    [
      '<?xml version="1.0"?>\n<!-- c --><A b="<>"><n:C/> y </A> behind',
      { name: 'a', text: 'y', children: [{ name: 'c', text: '', children: [] }] },
    ],
    ['<a>&lt;&#65;&#x42;&amp;lt; R&D &nope;</a>', { name: 'a', text: '<AB&lt; R&D &nope;', children: [] }],
    ['<a><![CDATA[<b>&amp;]]></a>', { name: 'a', text: '<b>&amp;', children: [] }],
    ['<a>&#0;&#xd800;&#x110000;</a>', { name: 'a', text: '\ufffd\ufffd\ufffd', children: [] }],
    [
      '<__proto__><constructor/></__proto__>',
      { name: '__proto__', text: '', children: [{ name: 'constructor', text: '', children: [] }] },
    ],
    ['', 'malformed'],
    ['<a>', 'malformed'],
    ['</a>', 'malformed'],
    ['<a></b>', 'malformed'],
    ['<a', 'malformed'],
    ['<a b="></a>', 'malformed'],
    ['<a><!-- </a>', 'malformed'],
    ['<a><></a>', 'malformed'],
    ['<!DOCTYPE a [<!ENTITY x "xx">]><a>&x;</a>', 'doctype'],
    ['<a><!ENTITY x "xx"></a>', 'doctype'],
    ['<a>'.repeat(17), 'too-deep'],
    [`<r>${'<a/>'.repeat(3000)}</r>`, 'too-many'],
    [' '.repeat(LONGEST_DOCUMENT + 1), 'too-long'],
  ])('%# %.40s', (text, expected) => {
    expect(readXml(text)).toEqual(expected);
  });

  test('whatever stands in a value comes out of it again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const plain = text.toWellFormed();
        expect(readXml(`<a>${escaped(plain)}</a>`)).toEqual({ name: 'a', text: plain.trim(), children: [] });
      }),
    );
  });

  test('an action is what a device may expect, and its values cannot break out', () => {
    const action = {
      type: 'urn:x:1',
      name: 'Do',
      values: [
        ['NewA', '</NewA><x>'],
        ['NewB', 7],
      ],
    } as const;
    expect(encodeAction(action)).toContain(
      '<u:Do xmlns:u="urn:x:1"><NewA>&#60;/NewA&#62;&#60;x&#62;</NewA><NewB>7</NewB></u:Do>',
    );
    expect(actionHeaders(action)).toContainEqual(['SOAPAction', '"urn:x:1#Do"']);
  });

  test('any text is read or refused', () => {
    const pieces = fc.constantFrom(
      '<a>',
      '</a>',
      '<a',
      '<b/>',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '"',
      '&#60;',
      '&',
      '>',
      'x',
      '<?',
      '?>',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 60 }), (parts) => {
        readXml(parts.join(''));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('leases.json', () => {
  const lease = {
    protocol: 'pcp',
    gateway: '192.168.1.1',
    own: '192.168.1.2',
    internal: 41_001,
    external: 41_001,
    nonce: '00'.repeat(12),
  };

  test.each<[string, unknown, boolean]>([
    ['what was written', [lease], true],
    ['nothing', [], true],
    ['a protocol nobody has', [{ ...lease, protocol: 'igd' }], false],
    ['a port too large', [{ ...lease, internal: 70_000 }], false],
    ['a nonce too short', [{ ...lease, nonce: '00' }], false],
    ['a name for an address', [{ ...lease, gateway: 'router' }], false],
    ['no list', { lease }, false],
    ['null in the list', [null], false],
    ['a list without end', Array.from({ length: 100 }, () => lease), false],
  ])('%s', (_what, value, good) => {
    expect(decodeSaved(value) !== undefined).toBe(good);
  });
});
