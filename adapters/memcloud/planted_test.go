package memcloud_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/testdata/planted/ackfirst"
	"github.com/eventfx/eventfx-go/adapters/memcloud/testdata/planted/detached"
	"github.com/eventfx/eventfx-go/adapters/memcloud/testdata/planted/goeson"
	"github.com/eventfx/eventfx-go/adapters/memcloud/testdata/planted/lockstays"
	"github.com/eventfx/eventfx-go/adapters/memcloud/testdata/planted/lostupdate"
	"github.com/eventfx/eventfx-go/adapters/memcloud/testdata/planted/outoforder"
	"github.com/eventfx/eventfx-go/adapters/memcloud/testdata/planted/ownconflict"
	"github.com/eventfx/eventfx-go/adapters/memcloud/testdata/planted/parkfails"
	"github.com/eventfx/eventfx-go/adapters/memcloud/testdata/planted/rowisproof"
	"github.com/eventfx/eventfx-go/adapters/memcloud/testdata/planted/seenfirst"
	"github.com/eventfx/eventfx-go/adapters/memcloud/testdata/planted/staleevent"
	"github.com/eventfx/eventfx-go/adapters/memcloud/testdata/planted/unread"
)

// A hunt looks for a bug, with as many seeds from the first on. Laws have no
// first.
type hunt func(t *testing.T, first uint64, seeds int) *memcloud.Finding

func explored(scenario memcloud.Scenario) hunt {
	return func(t *testing.T, first uint64, seeds int) *memcloud.Finding {
		return memcloud.Search(t, &memcloud.Exploration{First: first, Seeds: seeds}, scenario)
	}
}

func lawful[S any](h func(*memcloud.Cloud) memcloud.Handler, entry memcloud.Entry[S], samples []S) hunt {
	return func(t *testing.T, _ uint64, seeds int) *memcloud.Finding {
		return memcloud.SearchLawsSeeds(t, seeds, h, entry, samples...)
	}
}

// planted are the bugs of testdata/planted and their corrected twins.
var planted = []struct {
	name   string
	report string // "": ours
	by     string
	bug    hunt
	fixed  hunt
}{
	{"parkfails", "dapr/dapr#8284", "Explore", explored(parkfails.Scenario(parkfails.Bug)), explored(parkfails.Scenario(parkfails.Fixed))},
	{"seenfirst", "NousResearch/hermes-agent#62860", "Laws", lawful(seenfirst.Handler(seenfirst.Bug), seenfirst.Entry(), seenfirst.Samples), lawful(seenfirst.Handler(seenfirst.Fixed), seenfirst.Entry(), seenfirst.Samples)},
	{"unread", "storacha/indexing-service#159", "Explore", explored(unread.Scenario(unread.Bug)), explored(unread.Scenario(unread.Fixed))},
	{"lostupdate", "", "Explore", explored(lostupdate.Scenario(lostupdate.Bug)), explored(lostupdate.Scenario(lostupdate.Fixed))},
	{"goeson", "aws-powertools/powertools-lambda-java#1820", "Explore", explored(goeson.Scenario(goeson.Bug)), explored(goeson.Scenario(goeson.Fixed))},
	{"outoforder", "aws-powertools/powertools-lambda-java#1140", "Explore", explored(outoforder.Scenario(outoforder.Bug)), explored(outoforder.Scenario(outoforder.Fixed))},
	{"rowisproof", "eclipse-dirigible/dirigible#6816", "Laws", lawful(rowisproof.Handler(rowisproof.Bug), rowisproof.Entry(), rowisproof.Samples), lawful(rowisproof.Handler(rowisproof.Fixed), rowisproof.Entry(), rowisproof.Samples)},
	{"lockstays", "aws-powertools/powertools-lambda-python#1038", "Explore", explored(lockstays.Scenario(lockstays.Bug)), explored(lockstays.Scenario(lockstays.Fixed))},
	{"staleevent", "minio/minio#18272", "Laws", lawful(staleevent.Handler(staleevent.Bug), staleevent.Entry(), staleevent.Samples), lawful(staleevent.Handler(staleevent.Fixed), staleevent.Entry(), staleevent.Samples)},
	{"ackfirst", "RichardKnop/machinery#275", "Explore", explored(ackfirst.Scenario(ackfirst.Bug)), explored(ackfirst.Scenario(ackfirst.Fixed))},
	{"ownconflict", "aws/aws-sdk-java#2667", "Explore", explored(ownconflict.Scenario(ownconflict.Bug)), explored(ownconflict.Scenario(ownconflict.Fixed))},
	{"detached", "LeanerCloud/CUDly#1170", "Explore", explored(detached.Scenario(detached.Bug)), explored(detached.Scenario(detached.Fixed))},
}

// Each bug is found within 200 seeds and 2 s, and shown with one fault, or the
// two that it takes.
func TestPlantedBugs(t *testing.T) {
	const seeds = 200
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "bug\treport\tby\tseeds\tfaults\tms\tfound")
	var tried []int
	reports := 0
	for _, p := range planted {
		begin := time.Now()
		found := p.bug(t, 1, seeds)
		took := time.Since(begin)
		if p.report != "" {
			reports++
		}
		if found == nil {
			t.Errorf("%s was not found", p.name)
			continue
		}
		tried = append(tried, found.Tried)
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%.1f\t%s\n", p.name, p.report, p.by, found.Tried,
			strings.Join(found.Faults, " "), float64(took.Microseconds())/1000, firstLine(found.Errors[0]))
		switch {
		case found.Tried > seeds:
			t.Errorf("%s was found after %d seeds, want at most %d", p.name, found.Tried, seeds)
		case took > 2*time.Second:
			t.Errorf("%s was found after %v, want at most 2 s", p.name, took)
		case found.Divergence != "":
			t.Errorf("%s is not deterministic:\n%s", p.name, found.Divergence)
		case len(found.Faults) == 0:
			t.Errorf("%s fails without a fault: any test would have found it: %s", p.name, found)
		case len(found.Faults) > 2:
			t.Errorf("%s has the faults %q left, want one or two", p.name, found.Faults)
		}
	}
	w.Flush()
	slices.Sort(tried)
	if len(tried) > 0 {
		fmt.Fprintf(&table, "%d of %d found; median %d seeds", len(tried), len(planted), tried[len(tried)/2])
		if median := tried[len(tried)/2]; median > 50 {
			t.Errorf("the median is %d seeds, want at most 50", median)
		}
	}
	t.Logf("\n%s", table.String())
	if len(planted) != 12 || reports < 6 {
		t.Errorf("%d bugs, %d of them from public reports, want 12 and at least 6", len(planted), reports)
	}
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// It is not that the first seeds are lucky ones: from wherever Explore begins
// it finds the bugs as soon, and shows them with one fault or two.
func TestPlantedAnywhere(t *testing.T) {
	starts := 20
	if testing.Short() {
		starts = 3
	}
	var tried []int
	for _, p := range planted {
		if p.by != "Explore" {
			continue
		}
		worst := 0
		for i := range starts {
			first := uint64(1000 * (i + 1))
			found := p.bug(t, first, 200)
			switch {
			case found == nil:
				t.Errorf("%s was not found from seed %d on", p.name, first)
				continue
			case len(found.Faults) == 0 || len(found.Faults) > 2 || found.Divergence != "":
				t.Errorf("%s from seed %d on: %q, want one or two faults\n%s", p.name, first, found.Faults, found.Divergence)
			}
			tried = append(tried, found.Tried)
			worst = max(worst, found.Tried)
		}
		t.Logf("%-12s at most %d seeds", p.name, worst)
	}
	slices.Sort(tried)
	if len(tried) > 0 {
		t.Logf("median %d seeds, at most %d", tried[len(tried)/2], tried[len(tried)-1])
	}
}

// The twins hold, whatever happens.
func TestPlantedTwins(t *testing.T) {
	seeds := 2000
	if testing.Short() {
		seeds = 200
	}
	for _, p := range planted {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			if found := p.fixed(t, 1, seeds); found != nil {
				t.Errorf("the correction does not hold: %s", found)
			}
		})
	}
}

// A bug differs from its twin by two lines at most, but for the name and the
// comments.
func TestPlantedDiffer(t *testing.T) {
	folders, err := filepath.Glob("testdata/planted/*/bug.go")
	if err != nil {
		t.Fatal(err)
	}
	want(t, "folders", len(folders), len(planted))
	for _, p := range planted {
		bug := codeLines(t, "testdata/planted/"+p.name+"/bug.go")
		fixed := codeLines(t, "testdata/planted/"+p.name+"/fixed.go")
		common := commonLines(bug, fixed)
		gone, come := len(bug)-common, len(fixed)-common
		if gone > 2 || come > 2 || gone+come == 0 {
			t.Errorf("%s: %d lines of the bug are changed to %d, want 1 or 2", p.name, gone, come)
		}
		scenario, err := os.ReadFile("testdata/planted/" + p.name + "/scenario.go")
		if err != nil || !bytes.Contains(scenario, []byte(p.report)) {
			t.Errorf("%s: its package comment does not name %s: %v", p.name, p.report, err)
		}
	}
}

// codeLines returns the lines of a file without comments and indentation.
func codeLines(t *testing.T, name string) []string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(data)) {
		line, _, _ = strings.Cut(line, "//")
		line = strings.Replace(strings.TrimSpace(line), "func Fixed(", "func Bug(", 1)
		if line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// commonLines is the length of the longest common subsequence.
func commonLines(a, b []string) int {
	row := make([]int, len(b)+1)
	for _, x := range a {
		diagonal := 0
		for j, y := range b {
			above := row[j+1]
			if x == y {
				row[j+1] = diagonal + 1
			} else {
				row[j+1] = max(above, row[j])
			}
			diagonal = above
		}
	}
	return row[len(b)]
}
