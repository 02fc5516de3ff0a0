package memcloud

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// SeedVariable is the environment variable that has Explore, Search and Laws
// play one seed alone, to repeat a finding: "41", or "41:" and the names of the
// faults with commas between.
const SeedVariable = "MEMCLOUD_SEED"

// An Exploration configures Explore and Search. The zero value means all kinds
// of faults and 200 seeds.
type Exploration struct {
	// Seeds is how many seeds are played. 0 means 200.
	Seeds int

	// First is the first seed; the others follow. 0 means 1.
	First uint64

	// Faults are those that may happen, and how often.
	Faults Faults

	// MaxSteps bounds each run, see Options.
	MaxSteps int
}

// A Scenario makes resources and functions in a cloud, has something happen,
// and reports by t what must not be so. It is run many times, each time with a
// cloud of its own in a bubble of its own: whatever it uses, it must make.
//
// t records instead of failing. Its Run and Parallel do not exist; FailNow may
// be called in the scenario's goroutine.
type Scenario func(t testing.TB, cloud *Cloud)

// A Finding is a run in which a scenario failed.
type Finding struct {
	Seed     uint64
	Faults   []string // the fewest that were found to be needed; none: it fails without
	Errors   []string // what the scenario reported
	Timeline string
	Tried    int // how many seeds were played until it was found

	// Divergence shows the first lines in which two runs with the same seed
	// and faults differ. "" if the scenario is deterministic.
	Divergence string
}

// Repeat is the value of SeedVariable that repeats the run.
func (f *Finding) Repeat() string {
	return strconv.FormatUint(f.Seed, 10) + ":" + strings.Join(f.Faults, ",")
}

// String tells the whole story: errors, seed, faults and timeline.
func (f *Finding) String() string {
	var b strings.Builder
	for _, e := range f.Errors {
		fmt.Fprintln(&b, strings.TrimRight(e, "\n"))
	}
	fmt.Fprintf(&b, "seed %d, after %d seeds, with ", f.Seed, f.Tried)
	switch len(f.Faults) {
	case 0:
		fmt.Fprintln(&b, "no faults at all")
	case 1:
		fmt.Fprintf(&b, "one fault: %s\n", f.Faults[0])
	default:
		fmt.Fprintf(&b, "%d faults: %s\n", len(f.Faults), strings.Join(f.Faults, " "))
	}
	if f.Divergence != "" {
		fmt.Fprintf(&b, "not deterministic: two runs of it differ first in\n%s\n", f.Divergence)
	}
	fmt.Fprintf(&b, "repeat it with %s='%s'\n%s", SeedVariable, f.Repeat(), f.Timeline)
	return b.String()
}

// Explore plays the scenario with many seeds, each of which has other faults
// happen, and fails t with the first finding: the seed, the fewest faults that
// still make it fail, and the timeline. nil options mean the defaults. Call it
// outside of a bubble.
//
// A scenario that holds under Explore has met duplicates, crashes at each
// effect, lost answers and the rest. What it asserts must be true whatever
// happens: that nothing is lost, that nothing is charged twice.
func Explore(t *testing.T, o *Exploration, scenario Scenario) {
	t.Helper()
	if f := Search(t, o, scenario); f != nil {
		t.Errorf("%s", f)
	}
}

// Search is Explore without the judgement: it returns the first finding, or nil
// if the scenario holds.
func Search(t *testing.T, o *Exploration, scenario Scenario) *Finding {
	t.Helper()
	if o == nil {
		o = &Exploration{}
	}
	s := &search{t: t, o: *o, scenario: scenario}
	if s.o.Seeds == 0 {
		s.o.Seeds = 200
	}
	if s.o.First == 0 {
		s.o.First = 1
	}
	s.o.Faults.Only = nil
	if seed, faults, ok := repeatOf(t); ok {
		return s.repeat(seed, faults)
	}
	if run := s.play(s.o.First, []string{}); run.failed() {
		return s.finding(s.o.First, []string{}, 1)
	}
	for i := range s.o.Seeds {
		seed := s.o.First + uint64(i)
		if run := s.play(seed, nil); run.failed() {
			return s.finding(seed, s.shrink(seed, run.faults), i+1)
		}
	}
	return nil
}

// repeatOf reads SeedVariable. faults is nil when the seed alone is given.
func repeatOf(t *testing.T) (seed uint64, faults []string, ok bool) {
	t.Helper()
	text := os.Getenv(SeedVariable)
	if text == "" {
		return 0, nil, false
	}
	number, list, given := strings.Cut(text, ":")
	seed, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		t.Fatalf("memcloud: %s=%q: must be a seed, or a seed, a colon, and faults with commas between", SeedVariable, text)
	}
	if given {
		faults = strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
		if faults == nil {
			faults = []string{}
		}
	}
	return seed, faults, true
}

// search is one Search.
type search struct {
	t        *testing.T
	o        Exploration
	scenario Scenario
}

// play runs the scenario once: with the faults named, or if only is nil with
// those of the seed.
func (s *search) play(seed uint64, only []string) *run {
	faults := s.o.Faults
	faults.Only = only
	return play(s.t, &Options{Seed: seed, Faults: &faults, MaxSteps: s.o.MaxSteps}, s.scenario)
}

func (s *search) repeat(seed uint64, faults []string) *Finding {
	run := s.play(seed, faults)
	if !run.failed() {
		s.t.Logf("memcloud: the scenario holds with seed %d and the faults %q", seed, run.faults)
		return nil
	}
	return s.finding(seed, run.faults, 1)
}

// finding plays what was found twice more, to show it and to compare.
func (s *search) finding(seed uint64, faults []string, tried int) *Finding {
	a, b := s.play(seed, faults), s.play(seed, faults)
	f := &Finding{Seed: seed, Faults: faults, Errors: a.errors, Timeline: a.timeline(), Tried: tried}
	f.Divergence = divergence(a.steps, b.steps)
	if !a.failed() {
		f.Errors = append(b.errors, "memcloud: it failed before, and does not any more")
		f.Divergence = "memcloud: the same seed and faults fail in one run and hold in the next"
	}
	return f
}

// maxReplays bounds the runs for which shrinking may take its time.
const maxReplays = 300

// shrink returns few faults with which the scenario still fails: one, or some of
// those given, of which none can be taken away, unless maxReplays was too few
// to see. This is Zeller's ddmin, and then a look at single faults.
func (s *search) shrink(seed uint64, faults []string) []string {
	replays := 0
	fails := func(subset []string) bool {
		replays++
		return replays <= maxReplays && s.play(seed, subset).failed()
	}
	for parts := 2; len(faults) >= 2 && replays < maxReplays; {
		smaller := false
		for i := range parts {
			from, to := i*len(faults)/parts, (i+1)*len(faults)/parts
			part := faults[from:to]
			rest := append(append([]string{}, faults[:from]...), faults[to:]...)
			if len(part) > 0 && len(part) < len(faults) && fails(part) {
				faults, parts, smaller = part, 2, true
				break
			}
			if len(rest) > 0 && len(rest) < len(faults) && fails(rest) {
				faults, parts, smaller = rest, max(parts-1, 2), true
				break
			}
		}
		if smaller {
			continue
		}
		if parts >= len(faults) {
			break
		}
		parts = min(2*parts, len(faults))
	}
	if len(faults) < 2 {
		return faults
	}
	// It may be that a fault needs the others only to come to its number: the
	// fourth write is reached when the first is tried again. Then an earlier one
	// does it alone.
	for _, name := range faults {
		place, number, _ := strings.Cut(name, "#")
		last, _ := strconv.Atoi(number)
		for n := 1; n <= last && replays < maxReplays; n++ {
			if one := []string{place + "#" + strconv.Itoa(n)}; fails(one) {
				return one
			}
		}
	}
	return faults
}

// divergence returns the first lines that differ, or "".
func divergence(a, b []Step) string {
	for i := range max(len(a), len(b)) {
		line := func(steps []Step) string {
			if i >= len(steps) {
				return "(the end)"
			}
			return fmt.Sprintf("%s +%d ns", steps[i], steps[i].At%1_000_000)
		}
		if x, y := line(a), line(b); x != y {
			return "  " + x + "\n  " + y
		}
	}
	return ""
}
