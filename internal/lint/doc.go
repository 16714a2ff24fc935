// Package lint holds the rules of the repository as tests: who may import whom, what the public packages bring along,
// that every package says what it is, that documents name only what exists, and what test and library code must not do.
// It has no code of its own, and nothing imports it.
package lint
