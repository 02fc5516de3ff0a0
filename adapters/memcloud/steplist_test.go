package memcloud

import (
	"testing"
	"time"
)

// TestStepList: a list that grows in pieces reads like one that does not.
func TestStepList(t *testing.T) {
	var l stepList
	const n = 2000
	for i := range n {
		if l.count != i {
			t.Fatalf("count = %d, want %d", l.count, i)
		}
		l.add(step{at: time.Duration(i)})
	}
	for _, first := range []int{0, 1, 15, 16, 17, 31, 32, 255, 256, 1000, n - 1, n} {
		next := first
		for s := range l.from(first) {
			if s.at != time.Duration(next) {
				t.Fatalf("from(%d): got %d, want %d", first, s.at, next)
			}
			next++
		}
		if next != n {
			t.Errorf("from(%d) ends at %d", first, next)
		}
	}
	for range l.from(3) {
		break // must be possible
	}
}

// TestStepListForgets: with a limit a list keeps at least as many of the last,
// and not many more.
func TestStepListForgets(t *testing.T) {
	l := stepList{limit: 1000}
	for i := range 100_000 {
		l.add(step{at: time.Duration(i)})
		kept := 0
		for s := range l.from(0) {
			if kept == 0 && int(s.at) != l.dropped {
				t.Fatalf("after %d the first is %d, %d are dropped", i+1, s.at, l.dropped)
			}
			kept++
			if i%1000 != 0 {
				break // counting each time would take minutes
			}
		}
		if i%1000 == 0 && (kept < min(i+1, 1000) || kept >= 1000+2*256) { // a piece more, and the one that fills
			t.Fatalf("after %d steps %d are kept", i+1, kept)
		}
	}
	next := 99_500
	for s := range l.from(next) {
		if int(s.at) != next {
			t.Fatalf("from(99500): got %d, want %d", s.at, next)
		}
		next++
	}
	if next != 100_000 {
		t.Errorf("from(99500) ends at %d", next)
	}
}
