package hosttest

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

var everything = Features{Groups: true, Blocks: true, Counts: true, Delays: true, Observes: true, Stops: true}

func TestAHostThatKeepsAllLaws(t *testing.T) { Run(t, everything, newModel("")) }

// TestBrokenHosts: each is rejected by the law that it breaks, and by no other.
func TestBrokenHosts(t *testing.T) {
	tests := []struct{ bug, law string }{
		{"delivers the last of a full batch twice", "once"},
		{"acknowledges before the handler", "held"},
		{"gives up after three failures", "back"},
		{"sends all back for one", "losers"},
		{"loses the last of a group", "order"},
		{"goes on after a failure in a group", "blocked"},
		{"takes the router's attempts away", "attempts"},
		{"counts from one each time", "counts"},
		{"ignores delays", "delay"},
		{"has no deadline", "deadline"},
		{"takes a panic for the end", "panic"},
		{"delivers what is dead again", "dead"},
		{"drops what no letter keeps", "letter"},
		{"ends handlers at the stop", "drain"},
		{"ignores the drain limit", "limit"},
		{"keeps what it fetched", "release"},
		{"leaves a goroutine behind", "goroutines"},
	}
	proved := map[string]bool{}
	for _, tt := range tests {
		proved[tt.law] = true
		t.Run(tt.bug, func(t *testing.T) {
			var broken []string
			for _, l := range laws {
				t.Run(l.name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						failures := l.check(t, everything, newModel(tt.bug))
						time.Sleep(2 * time.Hour) // what was left behind ends
						if len(failures) > 0 {
							t.Logf("%s: %q", l.text, failures)
							broken = append(broken, l.name)
						}
					})
				})
			}
			if diff := cmp.Diff([]string{tt.law}, broken); diff != "" {
				t.Errorf("laws that reject it:\n%s", diff)
			}
		})
	}
	for _, l := range laws {
		if !proved[l.name] {
			t.Errorf("no broken host shows that the law %q can fail", l.name)
		}
	}
}

// TestLeftOut: a law about what a host cannot do is no law for it.
func TestLeftOut(t *testing.T) {
	var checked []string
	for _, l := range laws {
		if l.needs == nil || l.needs(Features{}) {
			checked = append(checked, l.name)
		}
	}
	want := []string{"once", "back", "losers", "attempts", "deadline", "panic", "dead", "letter"}
	if !slices.Equal(checked, want) {
		t.Errorf("laws of every host: %q, want %q", checked, want)
	}
}
