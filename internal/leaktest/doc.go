// Package leaktest is the shared assertion that no secret shows in a log, an error, a metric or an answer. A test works with
// the secrets that it holds (AppKey, CallbackToken, …), drives a failing path, and hands over what came out of it.
//
//   - Check fails the test when a text has a secret in it, in clear or in one of the forms that forms lists.
//   - A Watch collects what a part logs and answers while the test runs, and checks all of it when the test ends, so that
//     secrets that were made on the way can be added at any time.
//
// A Watch is safe for concurrent use. The package is for tests only.
package leaktest
