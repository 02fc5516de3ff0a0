package memcloud

import "testing"

// SetMaxInFlight lowers the limit of messages in flight.
func (q *Queue) SetMaxInFlight(n int) { q.cloud.look(func() { q.maxInFlight = n }) }

// Forget deletes a message without a receipt, as its retention does.
func (q *Queue) Forget(id string) {
	q.cloud.look(func() {
		for _, m := range q.inOrder() {
			if m.id == id {
				q.delete(m)
			}
		}
	})
}

// SearchLaws is the half of Laws that returns its finding.
func SearchLaws[S any](t *testing.T, handler func(*Cloud) Handler, entry Entry[S], samples ...S) *Finding {
	t.Helper()
	return searchLaws(t, handler, entry, samples, lawSeeds)
}

// SearchLawsSeeds is SearchLaws with more seeds than Laws has patience for.
func SearchLawsSeeds[S any](t *testing.T, seeds int, handler func(*Cloud) Handler, entry Entry[S], samples ...S) *Finding {
	t.Helper()
	return searchLaws(t, handler, entry, samples, seeds)
}
