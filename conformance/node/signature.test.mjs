// Holds the signatures that package webhook is tested with to what others compute: those of shared secrets to the official
// Standard Webhooks library, those of key pairs, which it does not know, to the Ed25519 of Node.js. The receiver printed in
// docs/signatures.md must take them all.

import assert from 'node:assert/strict';
import { createPrivateKey, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { mock, test } from 'node:test';

import { Webhook } from 'standardwebhooks';

const vectors = JSON.parse(await readFile(new URL('../../webhook/testdata/signature.json', import.meta.url), 'utf8'));

const document = await readFile(new URL('../../docs/signatures.md', import.meta.url), 'utf8');
const [, program] = document.match(/^```js\n(.*?)^```$/ms);
const { authentic } = await import(`data:text/javascript,${encodeURIComponent(program)}`);

const isPrivate = (secret) => secret.startsWith('whsk_');
const bytesOf = (secret) => Buffer.from(secret.slice(secret.indexOf('_') + 1), 'base64');

// The raw key in the wrapping that Node.js takes.
const privateKey = (secret) => createPrivateKey({
  key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), bytesOf(secret).subarray(0, 32)]),
  format: 'der', type: 'pkcs8',
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
      const body = Buffer.from(vector.body);
      assert.equal(authentic(secret, headers, body), true);
      assert.equal(authentic(secret, headers, Buffer.from(`${vector.body} `)), false);
      for (const [name, value] of Object.entries({
        'webhook-id': 'e2', 'webhook-timestamp': String(vector.timestamp + 1), 'webhook-signature': 'v1,AAAA v1a,AAAA v2',
      })) {
        assert.equal(authentic(secret, { ...headers, [name]: value }, body), false, name);
        assert.equal(authentic(secret, { ...headers, [name]: undefined }, body), false, name);
      }
      if (secret.startsWith('whsec_')) {
        new Webhook(secret).verify(vector.body, headers, { jsonParse: false });
        assert.throws(() => new Webhook(secret).verify(`${vector.body} `, headers, { jsonParse: false }));
      }
      mock.timers.setTime((vector.timestamp + 61) * 1000);
      assert.equal(authentic(secret, headers, body), false, 'old');
      mock.timers.setTime(vector.timestamp * 1000);
    }
  });
}
