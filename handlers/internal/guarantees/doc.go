// Package guarantees has the test of what handlers promise together: a router
// with idempotency, dead letters, retries and claim checks, run by lambdahost
// on memcloud's queues, stream and asynchronous sources, while memcloud's
// faults strike.
//
// TestGuarantees plays a scenario with many seeds. Each seed has other options,
// other handlers and other faults. An oracle hears of each run, lock, write and
// answer, and holds what the README promises. The numbers of what happened are
// printed: a fault that hardly ever struck proves nothing.
//
//	go test ./handlers/internal/guarantees -v                     1,000 seeds
//	go test ./handlers/internal/guarantees -v -seeds 10000
//	MEMCLOUD_SEED=417 go test ./handlers/internal/guarantees -v   one seed, with its timeline
//
// That the test would notice is tested, too: testdata/mutants.txt has defects of
// the library, a line each, and .ci/mutants shows that each is caught.
package guarantees
