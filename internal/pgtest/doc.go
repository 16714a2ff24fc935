// Package pgtest gives tests a PostgreSQL.
//
// [NewDatabase] returns the URL of a fresh, empty database, dropped when the test ends. Where it lives:
//
//   - on the server that the environment variable KITH_TEST_POSTGRES names, if it is set;
//   - else in a throw-away cluster, one for the whole test process, which the first caller starts from the server programs
//     of this machine and [Main] stops.
//
// [Start] gives one test a cluster of its own, which it may restart and crash.
//
// What the package guarantees: a test never skips. When the server programs are missing, the test fails and says how to
// get them. A cluster listens on a Unix socket in its own directory and nowhere else, runs as an unprivileged user when
// the tests run as root, and writes durably (fsync is on) unless asked otherwise. On Linux a cluster also dies with the
// test process, however that ends; its directory then stays behind in the system's temporary directory.
//
// All functions may be called from tests that run in parallel. Only tests and measurements may import this package, and it imports
// nothing of Kith.
package pgtest
