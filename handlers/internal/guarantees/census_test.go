package guarantees_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// A census counts over all seeds what has happened.
type census struct {
	seeds       int
	faults      map[string]int // on a message in flight, by kind and step
	idle        map[string]int // with nothing in flight
	outcomes    map[string]int // of deliveries
	units, both int
	lease, late int // seeds in which a lease was taken over, and a commit was late
	visits      int
	replayed    int
	unsent      int    // seeds in which no replay came to its end
	timeline    string // of the last seed, for one that is repeated
}

func newCensus() *census {
	return &census{faults: map[string]int{}, idle: map[string]int{}, outcomes: map[string]int{}}
}

// wanted are the faults of which there must be a hundred in a thousand seeds:
// at each step of a delivery.
var wanted = []string{
	"duplicate of a message", "reorder of a message", "delay of a message", "throttle of a message", "shard-split of a message",
	"lost-answer at the answer", "overrun at the answer", "crash-before at the start",
	"crash-before at the lock", "crash-after at the lock", "call-fails at the lock", "call-slow at the lock", "call-answer-lost at the lock",
	"crash-before at the effect", "crash-after at the effect", "call-fails at the effect", "call-slow at the effect", "call-answer-lost at the effect",
	"crash-before at the sink", "crash-after at the sink", "call-fails at the sink", "call-slow at the sink", "call-answer-lost at the sink",
	"crash-before at the commit", "crash-after at the commit", "call-fails at the commit", "call-slow at the commit", "call-answer-lost at the commit",
	"crash-before at the release", "crash-after at the release", "call-fails at the release", "call-slow at the release", "call-answer-lost at the release",
	"call-fails at the delete",
}

func (c *census) add(w *world) {
	w.oracle.mu.Lock()
	defer w.oracle.mu.Unlock()
	c.seeds++
	if os.Getenv(memcloud.SeedVariable) != "" {
		c.timeline = w.cloud.Timeline()
	}
	c.units += len(w.order)
	c.both += len(w.oracle.both)
	c.visits += len(w.visits)
	c.replayed += w.replayed
	if w.unsent {
		c.unsent++
	}
	if w.tookOver > 0 {
		c.lease++
	}
	if w.tooLate > 0 {
		c.late++
	}
	for _, v := range w.visits {
		for _, f := range v.fates {
			if f.outcome == "" {
				f.outcome = "back, without a turn"
			}
			c.outcomes[f.outcome]++
		}
	}
	live := map[string]bool{} // invocations
	for _, s := range w.cloud.Steps() {
		switch s.Action {
		case "invoke":
			live[s.ID] = true
		case "answer", "error", "crash":
			delete(live, s.ID)
		case "FAULT":
			step := w.step(s)
			if strings.HasPrefix(step, "elsewhere") {
				c.idle[step]++
			} else if len(live) > 0 || step == "of a message" || step == "at the delete" || step == "at the start" {
				kind, _, _ := strings.Cut(s.ID, "@")
				c.faults[kind+" "+step]++
			} else {
				c.idle[step]++
			}
		}
	}
}

// step says which step of a delivery a fault has struck.
func (w *world) step(s memcloud.Step) string {
	name, _, _ := strings.Cut(s.ID, "#")
	kind, site, _ := strings.Cut(name, "@")
	parts := strings.Split(site, "/")
	switch memcloud.Fault(kind) {
	case memcloud.Duplicate, memcloud.Reorder, memcloud.Delay, memcloud.Throttle, memcloud.ShardSplit:
		if !slices.Contains(sources, parts[0]) {
			return "elsewhere: " + parts[0] // of a dead letter, say
		}
		return "of a message"
	case memcloud.LostAnswer, memcloud.Overrun:
		return "at the answer"
	case memcloud.CrashBefore:
		if len(parts) == 1 {
			return "at the start"
		}
	case memcloud.CallFails:
		if parts[len(parts)-1] == "delete" && (parts[0] == ordersQueue || parts[0] == ledgerQueue) {
			return "at the delete"
		}
	}
	resource := parts[0]
	if resource == worker {
		resource = parts[len(parts)-1]
	}
	switch resource {
	case locksTable:
		if slices.Contains(parts, "get") {
			return "at the look"
		}
		for _, op := range w.operations {
			if op.begin <= s.At && s.At <= op.end && slices.Contains(lockSteps, op.name) {
				return "at the " + op.name
			}
		}
		return "at an unknown lock"
	case effectsTable:
		return "at the effect"
	case lettersName, "letterbox":
		return "at the sink"
	case claimsBucket:
		return "at the claim"
	}
	return "elsewhere: " + site
}

// sources are what faults of messages strike; the function has those of the
// asynchronous ones.
var sources = []string{ordersQueue, ledgerQueue, usersTable, uploadBucket, newsTopic, worker}

// lockSteps are those of which faults have one name: writes to the table.
var lockSteps = []string{"lock", "commit", "release"}

func (c *census) String() string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%d seeds, %d pieces of work, %d invocations\n", c.seeds, c.units, c.visits)
	for _, outcome := range slices.Sorted(maps.Keys(c.outcomes)) {
		fmt.Fprintf(&b, "%8d deliveries %s\n", c.outcomes[outcome], outcome)
	}
	fmt.Fprintf(&b, "%8d handled and dead, each after a fault\n%8d seeds with a lease that was over and taken, %d with a commit too late\n", c.both, c.lease, c.late)
	fmt.Fprintf(&b, "%8d dead letters sent again; in %d seeds no replay came to its end\n", c.replayed, c.unsent)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, name := range slices.Sorted(maps.Keys(c.faults)) {
		fmt.Fprintf(w, "%8d\t%s\n", c.faults[name], name)
	}
	w.Flush()
	idle := 0
	for _, n := range c.idle {
		idle += n
	}
	fmt.Fprintf(&b, "%8d faults with nothing in flight\n", idle)
	return b.String()
}

// check fails a test that has hardly tested anything.
func (c *census) check(t *testing.T, seeds int) {
	t.Helper()
	for _, name := range wanted {
		if least := seeds / 10; c.faults[name] < least {
			t.Errorf("%q struck a message in flight %d times in %d seeds, want at least %d", name, c.faults[name], seeds, least)
		}
	}
	if 10*c.unsent > seeds {
		t.Errorf("in %d of %d seeds no replay came to its end, want at most 10 %%", c.unsent, seeds)
	}
	if 20*c.lease < seeds {
		t.Errorf("a lease was over in %d of %d seeds, want at least 5 %%", c.lease, seeds)
	}
}
