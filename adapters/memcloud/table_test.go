package memcloud_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

func TestItems(t *testing.T) {
	// Rule D2.5, D2.6, D2.7
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", nil)
		type level int8
		raw := []byte{1}
		users.Put(memcloud.Item{
			"id": "u", "i": level(-7), "u": uint64(math.MaxUint64), "f": 1.5, "f32": float32(0.1), "n": json.Number("1.500E1"),
			"b": raw, "none": nil, "ok": true, "empty": "", "no bytes": []byte{}, "list": []any{1, "a", []any{}}, "map": map[string]any{"k": 1},
			"ss": memcloud.StringSet{"b", "a"}, "ns": memcloud.NumberSet{"10", "9.0"}, "bs": memcloud.BinarySet{{2}, {1}},
		})
		raw[0] = 9
		got, ok := users.Get("u")
		want(t, "found", ok, true)
		want(t, "normal form", got, memcloud.Item{
			"id": "u", "i": json.Number("-7"), "u": json.Number("18446744073709551615"), "f": json.Number("1.5"), "f32": json.Number("0.1"), "n": json.Number("15"),
			"b": []byte{1}, "none": nil, "ok": true, "empty": "", "no bytes": []byte{}, "list": []any{json.Number("1"), "a", []any{}}, "map": memcloud.Item{"k": json.Number("1")},
			"ss": memcloud.StringSet{"a", "b"}, "ns": memcloud.NumberSet{"9", "10"}, "bs": memcloud.BinarySet{{1}, {2}},
		})
		got["b"].([]byte)[0] = 8
		again, _ := users.Get("u")
		want(t, "nothing is shared", again["b"], any([]byte{1}))
	})
}

func TestNumbers(t *testing.T) {
	// Rule D2.6
	nines := strings.Repeat("9", 38)
	tests := []struct{ in, want string }{ // want "": refused
		{"0", "0"}, {"-0.00", "0"}, {"00012", "12"}, {"+1.10", "1.1"}, {".5", "0.5"}, {"5.", "5"}, {"-1e2", "-100"},
		{"1E-3", "0.001"}, {"123.456e1", "1234.56"}, {"0e500", "0"}, {nines, nines}, {nines + "0", nines + "0"}, {"0." + nines, "0." + nines},
		{"1e125", "1" + strings.Repeat("0", 125)}, {"1e-130", "0." + strings.Repeat("0", 129) + "1"},
		{nines + "9", ""}, {"1e126", ""}, {"1e-131", ""}, {"", ""}, {"x", ""}, {"1x", ""}, {"1e", ""}, {"--1", ""}, {"NaN", ""}, {"1e9999999999999999999", ""}, {"1 ", ""},
	}
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", nil)
		for _, test := range tests {
			err := users.PutItem(t.Context(), memcloud.Item{"id": "u", "n": json.Number(test.in)})
			if test.want == "" {
				wantError(t, err, "ValidationException", "n: ")
				continue
			}
			got, _ := users.Get("u")
			if err != nil || got["n"] != json.Number(test.want) {
				t.Errorf("%s: got %v, %v, want %s", test.in, got["n"], err, test.want)
			}
		}
	})
}

// nested returns a list in a list, n in all.
func nested(n int) any {
	list := []any{}
	for range n - 1 {
		list = []any{list}
	}
	return list
}

func TestRefusedItems(t *testing.T) {
	itself := map[string]any{}
	itself["m"] = itself
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", &memcloud.TableOptions{Key: "pk", Sort: "sk", SortType: "N"})
		tests := []struct {
			part string
			item memcloud.Item
		}{
			{"Missing the key sk", memcloud.Item{"pk": "a"}},
			{"Type mismatch for key sk expected: N actual: S", memcloud.Item{"pk": "a", "sk": "1"}},
			{"empty string value. Key: pk", memcloud.Item{"pk": "", "sk": 1}},
			{"400 KB", memcloud.Item{"pk": "a", "sk": 1, "x": strings.Repeat("x", 400<<10)}},
			{"set: an empty set", memcloud.Item{"pk": "a", "sk": 1, "set": memcloud.StringSet{}}},
			{"contains duplicates", memcloud.Item{"pk": "a", "sk": 1, "set": memcloud.NumberSet{"1", "1.0"}}},
			{"m.l[1]: a struct {} is no attribute value", memcloud.Item{"pk": "a", "sk": 1, "m": map[string]any{"l": []any{1, struct{}{}}}}},
			{"n: The parameter cannot be converted", memcloud.Item{"pk": "a", "sk": 1, "n": math.Inf(1)}},
			{"Nesting Levels have exceeded", memcloud.Item{"pk": "a", "sk": 1, "l": nested(33)}},
			{"Nesting Levels have exceeded", memcloud.Item{"pk": "a", "sk": 1, "m": itself}},
		}
		for _, test := range tests {
			wantError(t, users.PutItem(t.Context(), test.item), "ValidationException", test.part)
		}
		_, err := users.GetItem(t.Context(), memcloud.Item{"pk": "a"})
		wantError(t, err, "ValidationException", "Missing the key sk")
		want(t, "items", len(users.Items()), 0)
		users.Put(memcloud.Item{"pk": "a", "sk": 1, "l": nested(32)})
		want(t, "32 levels", len(users.Items()), 1)
		got, _ := users.Get("a", 1)
		if !reflect.DeepEqual(got["l"], nested(32)) { // cmp takes for ever
			t.Errorf("got %v", got["l"])
		}
	})
}

func TestTransact(t *testing.T) {
	// Rule D1.1: one record a change, none for what is taken back.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		ctx := t.Context()
		users := cloud.Table("users", &memcloud.TableOptions{Stream: memcloud.KeysOnly})
		h := &changes{}
		cloud.Function("f", h, memcloud.Trigger(users))
		put(users, "b")
		cloud.Settle()

		no := errors.New("exists")
		err := users.Transact(ctx, "create a and b", func(x *memcloud.Tx) error {
			if err := x.Put(memcloud.Item{"id": "a"}); err != nil {
				return err
			}
			if item, err := x.Get(memcloud.Item{"id": "b"}); item != nil || err != nil {
				return no
			}
			return x.Put(memcloud.Item{"id": "b"})
		})
		if !errors.Is(err, no) {
			t.Errorf("got %v", err)
		}
		want(t, "all or nothing", len(users.Items()), 1)

		err = users.Transact(ctx, "", func(x *memcloud.Tx) error {
			for _, id := range []string{"c", "a"} {
				if err := x.Put(memcloud.Item{"id": id, "v": 1}); err != nil {
					return err
				}
			}
			existed, err := x.Delete(memcloud.Item{"id": "b"})
			want(t, "existed", existed, true)
			want(t, "inside it shows", len(x.Items()), 2)
			item, _ := x.Get(memcloud.Item{"id": "b"})
			want(t, "deleted", item, nil)
			return err
		})
		if err != nil {
			t.Error(err)
		}
		cloud.Settle()
		want(t, "one batch, in order of the writes", h.batches, []string{"b", "c a b"})

		if err := panicOf(func() {
			_ = users.Transact(context.Background(), "", func(*memcloud.Tx) error { panic("oh") })
		}); err == nil || err.Error() != "oh" {
			t.Errorf("the panic belongs to the caller: %v", err)
		}
		item, err := users.GetItem(ctx, memcloud.Item{"id": "a", "ignored": 1})
		if err != nil || item["v"] != json.Number("1") {
			t.Errorf("got %v, %v", item, err)
		}
		if err := users.DeleteItem(ctx, memcloud.Item{"id": "a"}); err != nil {
			t.Error(err)
		}
		item, err = users.GetItem(ctx, memcloud.Item{"id": "a"})
		want(t, "deleted", item, nil)
		want(t, "no error", err, nil)
	})
}

func TestItemsAreSorted(t *testing.T) {
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", &memcloud.TableOptions{Key: "pk", Sort: "sk", SortType: "N"})
		for _, n := range []int{10, 9, -1} {
			users.Put(memcloud.Item{"pk": "b", "sk": n})
		}
		users.Put(memcloud.Item{"pk": "a", "sk": 99})
		var got []any
		for _, item := range users.Items() {
			got = append(got, item["sk"])
		}
		want(t, "order", got, []any{json.Number("99"), json.Number("-1"), json.Number("9"), json.Number("10")})
	})
}
