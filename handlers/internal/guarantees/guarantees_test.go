package guarantees_test

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

var (
	seeds = flag.Int("seeds", 0, "how many seeds TestGuarantees plays; 0 means 1000, with -short 100")
	first = flag.Uint64("first", 1, "the first of them")
)

func TestMain(m *testing.M) {
	flag.Parse()
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil))) // failures are what this is about
	os.Exit(m.Run())
}

// kinds are all but two: nothing here polls a queue by itself (ShortPollMiss),
// and what AWS loses of its own dead letters (DeadLetterFails) no library can
// save.
var kinds = []memcloud.Fault{
	memcloud.Duplicate, memcloud.Reorder, memcloud.Delay, memcloud.Throttle, memcloud.CrashBefore, memcloud.CrashAfter,
	memcloud.LostAnswer, memcloud.Overrun, memcloud.ShardSplit, memcloud.CallFails, memcloud.CallSlow, memcloud.CallAnswerLost,
}

// TestGuarantees holds, of a router with and without a guard, whatever happens:
//
//   - Nothing is lost: what was sent is handled, or kept as a dead letter, or
//     given up by AWS into a queue of its own.
//   - Each delivery ends as one of done, dead and back, once, and the answer says
//     the same. It is done when its handler has succeeded, and dead when its
//     dead letter was acknowledged.
//   - What is dead has run, as often as was promised, unless its failure is
//     permanent. What failed for want of time or behind another is not dead.
//   - With a guard: nothing whose commit was acknowledged runs again, and nothing
//     runs for a key while another holds its lease.
//   - Nothing runs in a group, or for an item of a stream, before what is in
//     front of it is done or dead.
//   - What is both handled and dead has met a fault between the two.
func TestGuarantees(t *testing.T) {
	// Rule H5, Rule H6, Rule H7
	n := *seeds
	switch {
	case n == 0 && testing.Short():
		n = 100
	case n == 0:
		n = 1000
	}
	c := newCensus()
	memcloud.Explore(t, &memcloud.Exploration{Seeds: n, First: *first, Faults: memcloud.Faults{Kinds: kinds}}, scenario(c))
	switch {
	case t.Failed():
		return
	case os.Getenv(memcloud.SeedVariable) != "":
		t.Logf("\n%s", c.timeline)
		return
	}
	t.Logf("\n%s", c)
	c.check(t, n)
}

// TestSeedRepeats plays seeds twice: each gives one timeline. Left out is what a
// process still tried when it was gone: messages that are handled side by side
// notice that at one instant, some before and some after a last call.
func TestSeedRepeats(t *testing.T) {
	for seed := range uint64(20) {
		var timelines [2][]string
		for i := range timelines {
			t.Setenv(memcloud.SeedVariable, fmt.Sprint(100+seed))
			memcloud.Explore(t, &memcloud.Exploration{Faults: memcloud.Faults{Kinds: kinds}}, func(t testing.TB, cloud *memcloud.Cloud) {
				scenario(newCensus())(t, cloud)
				for _, s := range cloud.Steps() {
					if s.Action != "ignored" {
						timelines[i] = append(timelines[i], s.String())
					}
				}
			})
		}
		a, b := timelines[0], timelines[1]
		for i := range max(len(a), len(b)) {
			if i >= len(a) || i >= len(b) || a[i] != b[i] {
				t.Errorf("seed %d: the timelines differ from line %d on:\n%s\n\n%s", 100+seed, i+1,
					strings.Join(a[min(i, len(a)):min(i+3, len(a))], "\n"), strings.Join(b[min(i, len(b)):min(i+3, len(b))], "\n"))
				break
			}
		}
		if len(a) < 100 {
			t.Errorf("seed %d: a timeline of %d lines", 100+seed, len(a))
		}
	}
}
