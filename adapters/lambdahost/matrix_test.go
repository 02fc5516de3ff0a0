package lambdahost_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/eventfx/eventfx-go/adapters/lambdahost"
	"github.com/eventfx/eventfx-go/eventfx"
)

// A batch is one invocation by an event source mapping.
type batch struct {
	payload []byte
	stream  bool
	ids     []string // by which failures are reported
	groups  []string // "" for a message without order
	bodies  []string // as the handler sees them: distinct
}

// comesBack says which records a mapping delivers again, by what AWS documents
// about the answer of a function.
func (b *batch) comesBack(report bool, answer []byte, err error) []bool {
	back := make([]bool, len(b.ids))
	all := func() []bool {
		for i := range back {
			back[i] = true
		}
		return back
	}
	switch {
	case err != nil:
		return all() // Rule C4.4, Rule D3.3
	case !report:
		return back // Rule C5: the answer is not read, and what failed is deleted
	}
	var list struct {
		BatchItemFailures []map[string]any `json:"batchItemFailures"`
	}
	if json.Unmarshal(answer, &list) != nil {
		return all() // Rule C5
	}
	lowest := (*big.Int)(nil)
	for _, f := range list.BatchItemFailures {
		id, ok := f["itemIdentifier"].(string)
		at := slices.Index(b.ids, id)
		if !ok || id == "" || at < 0 {
			return all() // Rule C5, Rule D4.3
		}
		back[at] = true
		n, _ := new(big.Int).SetString(id, 10)
		if b.stream && (lowest == nil || n.Cmp(lowest) < 0) {
			lowest = n // Rule D4.1, Rule D4.7
		}
	}
	if lowest != nil {
		for i, id := range b.ids {
			n, _ := new(big.Int).SetString(id, 10)
			back[i] = n.Cmp(lowest) >= 0
		}
	}
	return back
}

func randomBatch(rng *rand.Rand, source string) *batch {
	n := 1 + rng.IntN(10)
	b := &batch{ids: make([]string, n), groups: make([]string, n), bodies: make([]string, n)}
	for i := range n {
		b.ids[i], b.bodies[i] = fmt.Sprintf("m-%d", i), fmt.Sprintf("body %d", i)
	}
	switch source {
	case "sqs":
		b.payload = sqs(b.bodies...)
	case "fifo":
		for i := range n {
			b.groups[i] = fmt.Sprintf("g%d", rng.IntN(3))
		}
		b.payload = fifo(b.groups, b.bodies)
	case "stream":
		b.stream, b.payload = true, stream(n)
		for i := range n {
			b.ids[i], b.groups[i] = sequence(i), "shard"
		}
	}
	return b
}

// TestMatrix runs the deployments that there can be, right and wrong.
func TestMatrix(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))

	for _, source := range []string{"sqs", "fifo", "stream"} {
		for _, report := range []bool{true, false} {
			for _, declared := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/report=%t/declared=%t", source, report, declared), func(t *testing.T) {
					lost := 0
					for range 200 {
						lost += matrixRound(t, rng, source, report, declared)
					}
					switch {
					case !declared && lost > 0:
						// Rule C5
						t.Errorf("%d messages are lost with zero Options", lost)
					case declared && !report && lost == 0:
						t.Error("a false declaration loses nothing: the model of the mapping is wrong")
					case declared && report && lost > 0:
						t.Errorf("%d messages are lost though the deployment is right", lost)
					}
				})
			}
		}
	}
}

// matrixRound runs one batch and returns how many messages were not done and
// do not come back.
func matrixRound(t *testing.T, rng *rand.Rand, source string, report, declared bool) (lost int) {
	t.Helper()
	b := randomBatch(rng, source)
	fails := make(map[int]bool)
	for range rng.IntN(3) {
		fails[rng.IntN(len(b.ids))] = true
	}
	var mu sync.Mutex
	ran := make(map[int]bool)
	r := &eventfx.Router{Concurrency: 1 + rng.IntN(3)}
	eventfx.On(r, text{}, func(_ context.Context, e eventfx.Event[string]) error {
		i := slices.Index(b.ids, e.Origin.ID)
		mu.Lock()
		defer mu.Unlock()
		ran[i] = true
		if fails[i] {
			return errors.New("as asked")
		}
		return nil
	})
	answer, err := lambdahost.Handler(r, &lambdahost.Options{PartialBatch: declared}).Invoke(t.Context(), b.payload)
	back := b.comesBack(report, answer, err)
	blocked := make(map[string]bool)
	for i, id := range b.ids {
		done := ran[i] && !fails[i]
		if !done && !back[i] {
			lost++
		}
		if report && declared && err == nil && done && back[i] && !b.stream {
			// Rule C5.6, Rule D4.1
			t.Errorf("%s was done and comes back: %s", id, answer)
		}
		if blocked[b.groups[i]] && ran[i] {
			// Rule C5.6, Rule D4.1
			t.Errorf("%s ran after a failure in its group", id)
		}
		if b.groups[i] != "" && fails[i] {
			blocked[b.groups[i]] = true
		}
	}
	return lost
}
