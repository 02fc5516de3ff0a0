package enginetest

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

var verbose = flag.Bool("observations", false, "log what each script saw, on each engine")

// TestMain has the scripts run side by side: on moto they mostly wait.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "64"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// A script is run on both engines.
type script struct {
	name string
	run  func(*Run)
}

var scripts = slices.Concat(queueScripts, fifoScripts, pubsubScripts, bucketScripts, versionScripts, notificationScripts, busScripts, tableScripts, streamScripts, guardScripts, letterScripts)

// TestMoto compares memcloud with moto. Where moto is not installed it fails;
// a developer may set EVENTFX_ENGINES=optional to go without.
func TestMoto(t *testing.T) {
	rules, err := rulesIn("../../docs/semantics.md")
	if err != nil {
		t.Fatal(err)
	}
	server, err := startMoto()
	switch {
	case err == nil:
	case os.Getenv("EVENTFX_ENGINES") == "optional" && os.Getenv("CI") != "true":
		fmt.Printf("engine moto: NOT RUN, %d scripts: it does not start, and EVENTFX_ENGINES=optional allows that: %v\n", len(scripts), err)
		t.Skip("moto does not start")
	default:
		t.Fatalf("moto does not start: %v\npip install 'moto[server]', or set EVENTFX_ENGINES=optional to go without", err)
	}
	defer func() {
		if err := server.stop(); err != nil {
			t.Error(err)
		}
	}()

	var mu sync.Mutex
	c := newComparison(differences, rules)
	t.Run("script", func(t *testing.T) { // which ends when all are over
		for _, s := range scripts {
			t.Run(s.name, func(t *testing.T) {
				inMemory, onMoto := s.onBoth(t, server)
				mu.Lock()
				defer mu.Unlock()
				c.compare(s.name, inMemory, onMoto)
			})
		}
	})
	if t.Failed() {
		return // what was not run cannot be judged
	}
	if c.scripts == len(scripts) { // with -run it may be fewer
		c.end()
	}
	for _, mistake := range c.mistakes {
		t.Error(mistake)
	}
	fmt.Printf("engine moto: %d observations, %d accepted differences\n", c.compared, len(c.used))
}

// onBoth runs the script on both engines. Those in which time passes wait
// until the others, which keep moto busy, are over, and run side by side then.
//
// In real time a busy machine may be so late that what should be hidden has
// come back, or a connection to moto breaks: then it is not the engine that
// differs, and the script is run there again.
func (s *script) onBoth(t *testing.T, server *moto) (inMemory, onMoto []observation) {
	const tries, tolerated = 3, 1500 * time.Millisecond
	var ideal time.Duration
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		inMemory = s.on(t, s.name+"-", &memory{memcloud.New(t)})
		ideal = time.Since(began)
	})
	passes := ideal >= time.Second
	if passes {
		t.Parallel()
	}
	for try := 1; ; try++ {
		began := time.Now()
		onMoto = s.on(t, fmt.Sprintf("%s%d-", s.name, try), server)
		late := time.Since(began) - ideal
		if passes {
			t.Logf("moto: %v later than in memory, where it took %v", late.Round(time.Millisecond), ideal.Round(time.Millisecond))
		}
		broken := brokenConnection(onMoto)
		if !broken && (!passes || late < tolerated) {
			return inMemory, onMoto
		}
		if broken {
			t.Logf("moto: a connection broke in try %d", try)
		}
		if try == tries {
			t.Fatalf("moto was late or broke off %d times: this machine is too busy to tell what differs", tries)
		}
	}
}

// brokenConnection reports whether an observation is the end of a connection,
// and no answer.
func brokenConnection(seen []observation) bool {
	return slices.ContainsFunc(seen, func(o observation) bool {
		return strings.Contains(o.seen, "use of closed network connection")
	})
}

// on runs the script on an engine.
func (s *script) on(t *testing.T, prefix string, e engine) []observation {
	r := &Run{t: t, engine: e, prefix: prefix, ctx: t.Context(), names: map[string]string{}}
	s.run(r)
	if *verbose {
		for _, o := range r.seen {
			t.Logf("%T: %s: %s", e, o.step, o.seen)
		}
	}
	return r.seen
}
