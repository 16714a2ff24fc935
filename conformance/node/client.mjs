// The SDK under test, unchanged but for two things that it does not let its caller choose:
//
// - where it sends to: its requests are built for the vendor's host, and go to KITH_URL instead;
// - how it signs: its own signer makes the tickets of before 2019, so tls-sig-api-v2 makes them, as the vendor advises.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { devNull } from 'node:os';

const require = createRequire(import.meta.url);
const TIMRestAPI = require('imsdk-restapi-nodejs-es6-sdk');
const { Api: Signer } = require('tls-sig-api-v2');

// The axios that the SDK itself uses.
const axios = createRequire(require.resolve('imsdk-restapi-nodejs-es6-sdk'))('axios');

const vendorOrigin = 'https://console.tim.qq.com';
const ticketSeconds = 86400;

/** Reads a setting that the Go side of the test passes in. */
export function setting(name) {
  const value = process.env[name];
  assert.ok(value, `${name} is not set; the test is started by: go test ./conformance`);
  return value;
}

axios.interceptors.request.use((request) => {
  assert.ok(request.url.startsWith(`${vendorOrigin}/`), `the SDK sends to ${request.url}`);
  request.url = setting('KITH_URL') + request.url.slice(vendorOrigin.length);
  return request;
});

/** The SDK's client, signing with the app's secret key. */
export class Client extends TIMRestAPI {
  #signer;

  constructor({ sdkAppID, key, identifier }) {
    // The SDK reads a private key from a file; the tickets of today need none.
    super({ sdkAppid: sdkAppID, identifier, expireAfter: ticketSeconds, privateKeyPath: devNull });
    this.#signer = new Signer(sdkAppID, key);
    this.init();
  }

  _reSign() {
    this._usersig = this.#signer.genUserSig(this._timConfig.identifier, ticketSeconds);
    this._expireUntil = Math.floor(Date.now() / 1000) + ticketSeconds;
  }
}
