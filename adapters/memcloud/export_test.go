package memcloud

import "testing"

// SearchLaws is the half of Laws that returns its finding.
func SearchLaws[S any](t *testing.T, handler func(*Cloud) Handler, entry Entry[S], samples ...S) *Finding {
	t.Helper()
	return searchLaws(t, handler, entry, samples)
}
