package memcloud_test

import (
	"testing"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

func TestStreamFilters(t *testing.T) {
	tests := []struct {
		rule, reason string
		filters      []string
		batches      []string
	}{
		{"D3.9", "none", nil, []string{"a b c c"}},
		{"D3.9", "by the kind of change", []string{`{"eventName":["INSERT"]}`}, []string{"a b c"}},
		{"D3.9", "by an attribute's value", []string{`{"dynamodb":{"NewImage":{"status":{"S":["paid"]}}}}`}, []string{"b c"}},
		{"D3.9", "both", []string{`{"eventName":["MODIFY"],"dynamodb":{"NewImage":{"status":{"S":["paid"]}}}}`}, []string{"c"}},
		{"D3.9", "one of two", []string{`{"eventName":["MODIFY"]}`, `{"dynamodb":{"Keys":{"id":{"S":["a"]}}}}`}, []string{"a c"}},
		{"D3.9", "a number is a text", []string{`{"dynamodb":{"NewImage":{"n":{"N":["7"]}}}}`}, []string{"b"}},
		{"D3.9", "so there is no range of numbers", []string{`{"dynamodb":{"NewImage":{"n":{"N":[{"numeric":[">",0]}]}}}}`}, nil},
		{"D3.9", "nothing matches", []string{`{"eventName":["REMOVE"],"userIdentity":{"type":["Service"]}}`}, nil},
	}
	for _, test := range tests {
		t.Run(test.rule+" "+test.reason, func(t *testing.T) {
			bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
				orders := cloud.Table("orders", &memcloud.TableOptions{Stream: memcloud.NewAndOldImages})
				orders.Put(memcloud.Item{"id": "a"})
				orders.Put(memcloud.Item{"id": "b", "status": "paid", "n": 7})
				orders.Put(memcloud.Item{"id": "c", "status": "new"})
				orders.Put(memcloud.Item{"id": "c", "status": "paid"})
				h := &changes{}
				cloud.Function("f", h, memcloud.Trigger(orders, &memcloud.Mapping{Filters: test.filters}))
				cloud.Settle()
				want(t, "batches", h.batches, test.batches)
			})
		})
	}
}

func TestStreamFilterOfExpiry(t *testing.T) {
	// Rule D3.9, D2.4: the iterator goes past what does not match, in batches
	// of one, too.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", nil)
		h := &changes{}
		cloud.Function("f", h, memcloud.Trigger(users, &memcloud.Mapping{
			BatchSize: 1, Filters: []string{`{"userIdentity":{"type":["Service"],"principalId":["dynamodb.amazonaws.com"]}}`},
		}))
		put(users, "a", "b")
		users.Delete("a")
		users.Expire("b")
		cloud.Settle()
		want(t, "batches", h.batches, []string{"b"})
		want(t, "skipped", len(moments(cloud, "users", "filter")), 3)
	})
}

func TestStreamFilterIsRefused(t *testing.T) {
	// Rule D3.9
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", nil)
		tests := []struct{ reason, filter, part string }{
			{"a leaf is a list", `{"eventName":"INSERT"}`, "Invalid filter pattern definition."},
			{"not JSON", `{`, "Invalid filter pattern definition."},
			{"a queue's key", `{"body":["a"]}`, `have no "body"`},
		}
		for i, test := range tests {
			err := panicOf(func() {
				cloud.Function("f"+string(rune('a'+i)), failing, memcloud.Trigger(users, &memcloud.Mapping{Filters: []string{test.filter}}))
			})
			t.Log(test.reason)
			wantError(t, err, "InvalidParameterValueException", test.part)
		}
	})
}
