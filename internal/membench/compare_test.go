package membench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

var (
	rounds = flag.Int("rounds", 1, "measure this often, in turns; the median counts")
	factor = flag.Float64("factor", 0, "fail when even the best round misses a target by more than this factor; 0: never fail")
)

// quietFloor is what decoding costs on two cores of a server of 2026 that have
// nothing else to do, in µs a message. The targets are for such a machine.
const quietFloor = 6.5

// A measurement is one line of the table.
type measurement struct {
	what, who string
	target    float64 // 0: none
	unit      string
	exact     bool // free of noise: the factor does not apply
	rare      bool // slow, or exact: a few rounds do
	run       func(t *testing.T) sample
	got, cpu  []float64
}

// A sample is one round: what was measured, and the time for which all cores
// together worked at it, which neighbours do not count in; 0 where it says
// nothing.
type sample struct{ got, cpu float64 }

// TestCompare measures all contenders in turns and prints a table. Without
// -rounds it only sees that everything works.
func TestCompare(t *testing.T) {
	table := measurements()
	for round := range *rounds {
		for _, m := range table {
			if m.rare && round >= 3 {
				continue
			}
			runtime.GC()
			round := m.run(t)
			m.got, m.cpu = append(m.got, round.got), append(m.cpu, round.cpu)
		}
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%-30s %-24s %9s %17s %7s %7s  %s\n", "", "", "median", "range", "ratio", "CPU", "target")
	first := table[0]
	for _, m := range table {
		if m.what != first.what {
			first = m
			out.WriteByte('\n')
		}
		var ratios []float64
		for i := range m.got { // of the same round, which saw the same noise
			ratios = append(ratios, m.got[i]/first.got[i])
		}
		median, ratio := middle(m.got), middle(ratios)
		target := ""
		if m.target > 0 {
			target = fmt.Sprintf("< %g", m.target)
			if median >= m.target {
				target += " missed"
			}
		}
		fmt.Fprintf(&out, "%-30s %-24s %9.1f %17s %7.1f %7.1f  %s\n", m.what+", "+m.unit, m.who, median, fmt.Sprintf("%.1f-%.1f", slices.Min(m.got), slices.Max(m.got)), ratio, middle(m.cpu), target)
		// Neighbours on the machine only ever slow a round down: the best one
		// says what the code can do. When all are slow, so is the floor.
		most := *factor
		if m.exact {
			most = 1
		}
		best, floored := slices.Min(m.got), strings.HasPrefix(first.who, "floor")
		if *factor > 0 && m.target > 0 && best >= m.target*most && !(floored && ratio < m.target/quietFloor*most) {
			t.Errorf("%s, %s: %.1f %s at best, %.1f times the first line, and the target is %g (times %g)", m.what, m.who, best, m.unit, ratio, m.target, most)
		}
	}
	t.Logf("%d rounds on %d cores; the ratio is to the first line of each group\n%s", *rounds, runtime.GOMAXPROCS(0), &out)
}

func measurements() []*measurement {
	const (
		full, single, first, memory = "full batches", "one by one", "New to first handled", "queued message"
	)
	var table []*measurement
	add := func(what, who, unit string, target float64, run func(t *testing.T) sample) {
		table = append(table, &measurement{what: what, who: who, unit: unit, target: target, exact: what == memory, rare: what == memory || who == "mempubsub, real time", run: run})
	}
	n := func(measuring, looking int) int {
		if *rounds > 1 {
			return measuring
		}
		return looking
	}

	payload := capture(10)
	add(full, "floor: decoding alone", "µs a message", 0, func(*testing.T) sample { return floor(payload, n(400, 10)) })
	add(full, "memcloud, virtual time", "µs a message", 8, virtual(func() sample { return batches(openMemcloud, n(4_000, 1_000)) }))
	add(full, "memcloud, real time", "µs a message", 8, real(func() sample { return batches(openMemcloud, n(4_000, 1_000)) }))
	add(full, "mempubsub, virtual time", "µs a message", 0, virtual(func() sample { return batches(openMempubsub, n(4_000, 1_000)) }))
	add(full, "mempubsub, real time", "µs a message", 0, real(func() sample { return batches(openMempubsub, 1_000) }))
	add(full, "watermill, virtual time", "µs a message", 0, virtual(func() sample { return batches(openWatermill, n(4_000, 1_000)) }))
	add(full, "watermill, real time", "µs a message", 0, real(func() sample { return batches(openWatermill, n(4_000, 1_000)) }))

	one := capture(1)
	add(single, "floor: decoding alone", "µs a message", 0, func(*testing.T) sample { return floor(one, n(1_000, 10)) })
	add(single, "memcloud, virtual time", "µs a message", 20, virtual(func() sample { return oneByOne(openMemcloud, n(1_000, 100)) }))
	add(single, "memcloud, real time", "µs a message", 20, real(func() sample { return oneByOne(openMemcloud, n(1_000, 100)) }))
	add(single, "mempubsub, virtual time", "µs a message", 0, virtual(func() sample { return oneByOne(openMempubsub, n(1_000, 100)) }))
	add(single, "mempubsub, real time", "µs a message", 0, real(func() sample { return oneByOne(openMempubsub, 2) }))
	add(single, "watermill, virtual time", "µs a message", 0, virtual(func() sample { return oneByOne(openWatermill, n(1_000, 100)) }))
	add(single, "watermill, real time", "µs a message", 0, real(func() sample { return oneByOne(openWatermill, n(1_000, 100)) }))

	add(first, "memcloud, virtual time", "µs", 100, opened(openMemcloud, n(30, 3), true))
	add(first, "memcloud, real time", "µs", 100, opened(openMemcloud, n(30, 3), false))
	add(first, "mempubsub, virtual time", "µs", 0, opened(openMempubsub, n(30, 3), true))
	add(first, "watermill, virtual time", "µs", 0, opened(openWatermill, n(30, 3), true))
	add(first, "watermill, real time", "µs", 0, opened(openWatermill, n(30, 3), false))

	add(memory, "memcloud", "bytes", 1_000, real(func() sample { return queued(openMemcloud, n(100_000, 1_000)) }))
	add(memory, "mempubsub", "bytes", 0, real(func() sample { return queued(openMempubsub, n(100_000, 1_000)) }))
	add(memory, "watermill, persistent", "bytes", 0, real(func() sample { return queued(openWatermill, n(100_000, 1_000)) }))
	return table
}

type opener = func(idle bool) contender

func real(f func() sample) func(*testing.T) sample { return func(*testing.T) sample { return f() } }

func virtual(f func() sample) func(*testing.T) sample {
	return func(t *testing.T) (got sample) {
		synctest.Test(t, func(*testing.T) { got = f() })
		return got
	}
}

// A watch was started at an instant of real time, also in a bubble.
type watch struct{ wall, cpu time.Duration }

func start() watch {
	var now syscall.Timeval
	var used syscall.Rusage
	if err := errors.Join(syscall.Gettimeofday(&now), syscall.Getrusage(syscall.RUSAGE_SELF, &used)); err != nil {
		panic(err)
	}
	return watch{time.Duration(now.Nano()), time.Duration(used.Utime.Nano() + used.Stime.Nano())}
}

// per returns what each of n things took, in µs.
func (w watch) per(n int) sample {
	now := start()
	return sample{float64(now.wall-w.wall) / float64(n) / 1000, float64(now.cpu-w.cpu) / float64(n) / 1000}
}

func repeat(n int) []string { return slices.Repeat([]string{body}, n) }

// batches sends n messages, 1,000 at a time, and waits for all of them.
func batches(open opener, n int) sample {
	in := open(false)
	defer in.close()
	in.send(repeat(100)) // what grows has grown
	in.wait(100)
	bodies := repeat(1_000)
	began := start()
	for sent := 1_000; sent <= n; sent += 1_000 {
		in.send(bodies)
		in.wait(100 + sent)
	}
	return began.per(n)
}

func oneByOne(open opener, n int) sample {
	in := open(false)
	defer in.close()
	one := repeat(1)
	began := start()
	for i := range n {
		in.send(one)
		in.wait(i + 1)
	}
	return began.per(n)
}

// opened returns the median time from nothing to the first message that was
// handled.
func opened(open opener, n int, inBubble bool) func(*testing.T) sample {
	once := func() sample {
		began := start()
		in := open(false)
		in.send(repeat(1))
		in.wait(1)
		took := began.per(1)
		in.close()
		return took
	}
	run := real(once)
	if inBubble {
		run = virtual(once)
	}
	return func(t *testing.T) sample {
		var took []float64
		for range n {
			took = append(took, run(t).got)
		}
		return sample{got: middle(took)} // the CPU's clock is too coarse
	}
}

// queued returns the bytes that a message takes which nobody receives.
func queued(open opener, n int) sample {
	in := open(true)
	defer in.close()
	before := heap()
	for range n / 1_000 {
		bodies := make([]string, 1_000)
		for i := range bodies {
			bodies[i] = strings.Clone(body)
		}
		in.send(bodies)
	}
	if _, ok := in.(*inMemcloud); ok {
		in.wait(0) // they were posted
	}
	return sample{got: float64(heap()-before) / float64(n)}
}

// heap returns the bytes in use, stacks of goroutines included.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// floor is what decoding the payload and its bodies costs a message.
func floor(payload []byte, n int) sample {
	messages := 0
	began := start()
	for range n {
		k, err := decode(payload)
		if err != nil {
			panic(err)
		}
		messages += k
	}
	return began.per(messages)
}

// capture returns the payload of n messages, as memcloud sends it.
func capture(n int) []byte {
	cloud := memcloud.Open(nil)
	defer cloud.Close()
	var payload []byte
	orders := cloud.Queue("orders", nil)
	cloud.Function("ship", handler(func(p []byte) { payload = p }), memcloud.Trigger(orders))
	orders.SendBatch(slices.Repeat([]memcloud.Message{{Body: body}}, n)...)
	cloud.Settle()
	return payload
}

type handler func(payload []byte)

func (h handler) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	h(payload)
	return nil, nil
}

func middle(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
