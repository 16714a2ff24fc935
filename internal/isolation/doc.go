// Package isolation keeps the work of one app from slowing down what is done for others.
//
// The Go scheduler runs goroutines in order of arrival, so behind the flood of one app's calls, or of the attempts that get its
// backlog out, all that is done for other apps would wait. Therefore, while more than one app is at work and the processors are
// busy, each app may have so many calls under way, and begin so many attempts a second, that the goroutines which wait for a processor stay few. What is more waits
// before it begins, where it costs nothing.
//
// What the package guarantees:
//
//   - A machine that has processors to spare, or one app alone, is not limited. Nor is an app that has little to do: the limit is
//     the same for all, and only one that floods reaches it.
//   - Calls of an app begin in the order in which they came.
//   - An app can always have calls under way, and is told of a thousand changes a second at least, whatever the others do.
//   - What waits for an endpoint's answer does not count as work: however slow it is, an endpoint gets as many attempts a second.
//
// An Isolation is safe for concurrent use, has no goroutine and never calls back. A nil one limits nobody. The package imports
// nothing of ours.
package isolation
