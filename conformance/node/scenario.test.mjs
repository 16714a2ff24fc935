// One app backend's day: accounts, a blocklist, removals, a removal sent twice. The steps build on each other and run in
// order. The callbacks that they cause are checked by the Go test that starts this file.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Client, setting } from './client.mjs';

const app = {
  sdkAppID: Number(setting('KITH_SDKAPPID')),
  key: setting('KITH_KEY'),
  identifier: setting('KITH_ADMIN'),
};
const client = new Client(app);

const notListed = { ResultCode: 30001, ResultInfo: 'Err_SNS_BlackListDelete_Not_Exist' };
const done = { ResultCode: 0, ResultInfo: '' };

/** Sends a request and checks what every answer has: HTTP 200, JSON, the envelope. Returns the rest of the body. */
async function call(service, command, body, { from = client, errorCode = 0 } = {}) {
  const { status, headers, data } = await from.request(service, command, body);
  assert.equal(status, 200);
  assert.match(headers['content-type'], /^application\/json\b/);
  assert.equal(typeof data, 'object', `the answer is not JSON: ${data}`);
  const { ActionStatus, ErrorCode, ErrorInfo, ErrorDisplay, ...rest } = data;
  assert.deepEqual({ ActionStatus, ErrorCode }, { ActionStatus: errorCode === 0 ? 'OK' : 'FAIL', ErrorCode: errorCode });
  assert.equal(typeof ErrorInfo, 'string');
  assert.equal(ErrorInfo === '', errorCode === 0, `ErrorInfo is ${JSON.stringify(ErrorInfo)}`);
  // Calls refused before they reach a service (codes from 60000) need not have the field that only some services have.
  if (service === 'sns' && errorCode < 60000) assert.equal(ErrorDisplay, '');
  return rest;
}

const sns = (command, body, options) => call('sns', command, body, options);

async function blocklist(owner) {
  const { BlackListItem } = await sns('black_list_get', {
    From_Account: owner, StartIndex: 0, MaxLimited: 30, LastSequence: 0,
  });
  return BlackListItem.map((entry) => entry.To_Account);
}

test('accounts are imported, by either name of the field and many at once', async () => {
  assert.deepEqual(await call('im_open_login_svc', 'account_import', { Identifier: 'alice', Nick: 'Alice', FaceUrl: '' }), {});
  assert.deepEqual(await call('im_open_login_svc', 'account_import', { UserID: 'bob' }), {});
  const { FailAccounts } = await call('im_open_login_svc', 'multiaccount_import', { Accounts: ['carol', 'dave', 'erin'] });
  assert.deepEqual(FailAccounts, []);
});

test('imported accounts are there, others are not', async () => {
  const { ResultItem } = await call('im_open_login_svc', 'account_check', {
    CheckItem: [{ UserID: 'alice' }, { UserID: 'erin' }, { UserID: 'ghost' }],
  });
  assert.deepEqual(ResultItem, [
    { UserID: 'alice', ...done, AccountStatus: 'Imported' },
    { UserID: 'erin', ...done, AccountStatus: 'Imported' },
    { UserID: 'ghost', ...done, AccountStatus: 'NotImported' },
  ]);
});

test('three accounts are blocked', async () => {
  const answer = await sns('black_list_add', { From_Account: 'alice', To_Account: ['bob', 'carol', 'dave'] });
  assert.deepEqual(answer, {
    ResultItem: ['bob', 'carol', 'dave'].map((id) => ({ To_Account: id, ...done })),
  });
});

test('blocking again reports each item and changes nothing', async () => {
  const answer = await sns('black_list_add', { From_Account: 'alice', To_Account: ['bob'] });
  assert.deepEqual(answer, {
    ResultItem: [{ To_Account: 'bob', ResultCode: 30001, ResultInfo: 'Err_SNS_BlackListAdd_Already_Exist' }],
    Fail_Account: ['bob'],
  });
});

test('the list comes in pages, in the order of blocking, with times in seconds', async () => {
  const page = (StartIndex) => sns('black_list_get', { From_Account: 'alice', StartIndex, MaxLimited: 2, LastSequence: 0 });
  const first = await page(0);
  assert.deepEqual(first.BlackListItem.map((entry) => entry.To_Account), ['bob', 'carol']);
  assert.notEqual(first.StartIndex, 0);
  const second = await page(first.StartIndex);
  assert.deepEqual(second.BlackListItem.map((entry) => entry.To_Account), ['dave']);
  assert.equal(second.StartIndex, 0);
  for (const { CurruentSequence } of [first, second]) {
    assert.ok(Number.isInteger(CurruentSequence) && CurruentSequence > 0 && CurruentSequence < 2 ** 31);
  }
  const now = Date.now() / 1000;
  for (const { AddBlackTimeStamp } of [...first.BlackListItem, ...second.BlackListItem]) {
    assert.ok(Number.isInteger(AddBlackTimeStamp) && Math.abs(now - AddBlackTimeStamp) < 3600, `${AddBlackTimeStamp}`);
  }
});

test('check looks at one side, or at both', async () => {
  await sns('black_list_add', { From_Account: 'bob', To_Account: ['alice'] });
  await sns('black_list_add', { From_Account: 'erin', To_Account: ['alice'] });
  const relations = async (CheckType) => {
    const { BlackListCheckItem } = await sns('black_list_check', {
      From_Account: 'alice', To_Account: ['bob', 'carol', 'erin', 'alice'], CheckType,
    });
    return Object.fromEntries(BlackListCheckItem.map(({ To_Account, Relation, ...result }) => {
      assert.deepEqual(result, done);
      return [To_Account, Relation];
    }));
  };
  assert.deepEqual(await relations('BlackCheckResult_Type_Single'), {
    bob: 'BlackCheckResult_Type_AWithB',
    carol: 'BlackCheckResult_Type_AWithB',
    erin: 'BlackCheckResult_Type_NO',
    alice: 'BlackCheckResult_Type_NO',
  });
  assert.deepEqual(await relations('BlackCheckResult_Type_Both'), {
    bob: 'BlackCheckResult_Type_BothWay',
    carol: 'BlackCheckResult_Type_AWithB',
    erin: 'BlackCheckResult_Type_BWithA',
    alice: 'BlackCheckResult_Type_NO',
  });
});

// The same body twice: SDKs send a request again when its answer was lost.
const removal = { From_Account: 'alice', To_Account: ['bob', 'erin', 'ghost', 'carol'] };
const unknown = 30003;

test('two are unblocked; one is not listed, one does not exist', async () => {
  const { ResultItem, Fail_Account, ...rest } = await sns('black_list_delete', removal);
  assert.deepEqual(ResultItem.map((item) => [item.To_Account, item.ResultCode]), [
    ['bob', 0], ['erin', notListed.ResultCode], ['ghost', unknown], ['carol', 0],
  ]);
  assert.equal(ResultItem[1].ResultInfo, notListed.ResultInfo);
  assert.deepEqual(Fail_Account, ['erin', 'ghost']);
  assert.deepEqual(rest, {});
  assert.deepEqual(await blocklist('alice'), ['dave']);
});

test('sending the removal again reports each item, fails no call and changes nothing', async () => {
  const { ResultItem, Fail_Account } = await sns('black_list_delete', removal);
  assert.deepEqual(ResultItem.map((item) => item.ResultCode), [
    notListed.ResultCode, notListed.ResultCode, unknown, notListed.ResultCode,
  ]);
  assert.deepEqual(Fail_Account, removal.To_Account);
  assert.deepEqual(await blocklist('alice'), ['dave']);
});

test('the last one is unblocked, and an empty list is an empty array', async () => {
  const answer = await sns('black_list_delete', { From_Account: 'alice', To_Account: ['dave'] });
  assert.deepEqual(answer, { ResultItem: [{ To_Account: 'dave', ...done }] });
  assert.deepEqual(await blocklist('alice'), []);
});

test('a failed call is answered with HTTP 200 and says why', async () => {
  await sns('black_list_add', { From_Account: 'ghost', To_Account: ['alice'] }, { errorCode: 30003 });
  await sns('black_list_add', { From_Account: 'alice', To_Account: 'bob' }, { errorCode: 30001 });
  await sns('black_list_get', {}, { from: new Client({ ...app, key: 'not the key of this app' }), errorCode: 70009 });
});
