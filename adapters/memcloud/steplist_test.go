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
