// Holds the signatures that package webhook is tested with to what others compute: those of shared secrets to the official
// Standard Webhooks library, those of key pairs, which it does not know, to the Ed25519 of Node.js.

import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { mock, test } from 'node:test';

import { Webhook } from 'standardwebhooks';

const vectors = JSON.parse(await readFile(new URL('../../webhook/testdata/signature.json', import.meta.url), 'utf8'));

const isPrivate = (secret) => secret.startsWith('whsk_');
const bytesOf = (secret) => Buffer.from(secret.slice(secret.indexOf('_') + 1), 'base64');

// Raw Ed25519 keys in the wrapping that Node.js takes.
const privateKey = (secret) => createPrivateKey({
  key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), bytesOf(secret).subarray(0, 32)]),
  format: 'der', type: 'pkcs8',
});
const publicKey = (text) => createPublicKey({
  key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), bytesOf(text)]),
  format: 'der', type: 'spki',
});

function signature(secret, { id, timestamp, body }) {
  if (!isPrivate(secret)) return new Webhook(secret).sign(id, new Date(timestamp * 1000), body);
  return `v1a,${sign(null, Buffer.from(`${id}.${timestamp}.${body}`), privateKey(secret)).toString('base64')}`;
}

for (const vector of vectors) {
  test(`${vector.name}: signatures`, () => {
    assert.equal(vector.secrets.map((secret) => signature(secret, vector)).join(' '), vector.signature);
  });

  test(`${vector.name}: a receiver accepts the headers`, (t) => {
    mock.timers.enable({ apis: ['Date'], now: vector.timestamp * 1000 });
    t.after(() => mock.timers.reset());
    const headers = {
      'webhook-id': vector.id, 'webhook-timestamp': String(vector.timestamp), 'webhook-signature': vector.signature,
    };
    for (const secret of vector.verify) {
      if (secret.startsWith('whpk_')) {
        const content = Buffer.from(`${vector.id}.${vector.timestamp}.${vector.body}`);
        const candidates = vector.signature.split(' ').filter((s) => s.startsWith('v1a,')).map((s) => s.slice(4));
        assert.ok(candidates.some((s) => verify(null, content, publicKey(secret), Buffer.from(s, 'base64'))));
      } else {
        new Webhook(secret).verify(vector.body, headers, { jsonParse: false });
        assert.throws(() => new Webhook(secret).verify(`${vector.body} `, headers, { jsonParse: false }));
      }
    }
  });
}
