package attributevalue

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type (
	Base struct {
		ID      string `json:"id"`
		Version int
		Hidden  string
	}
	Audit struct {
		By      string
		Version int // on one level with Base.Version: neither counts
	}
	private struct{ Inside string }
	Name    string
	Deep    struct{ *Base }
	Twice   struct {
		Left
		Right
	}
	Left   struct{ Common }
	Right  struct{ Common }
	Common struct{ C int }
)

// TestFields decodes an item into a struct of the type of want.
func TestFields(t *testing.T) {
	noon := time.Unix(1795435200, 0).UTC()
	tests := []struct {
		in     string
		want   any
		reason string
	}{
		{
			in: `{"av":{"S":"1"},"ds":{"S":"2"},"js":{"S":"3"},"Bare":{"S":"4"},"no":{"S":"5"}}`,
			want: struct {
				A    string `dynamodbav:"av" docstore:"no" json:"no"`
				D    string `docstore:"ds" json:"none"`
				J    string `json:"js,omitempty"`
				Bare string
			}{"1", "2", "3", "4"},
			reason: "dynamodbav, else docstore, else json, else the name of the field",
		},
		{
			in: `{"A":{"S":"1"},"a":{"S":"2"},"B":{"S":"3"}}`,
			want: struct {
				A string `dynamodbav:",omitempty" json:"a"`
				B string `dynamodbav:"" json:"B"`
			}{"1", "3"},
			reason: "the first tag that is there counts alone, as it did when the item was written; an empty tag is none",
		},
		{
			in: `{"A":{"S":"1"},"B":{"S":"2"},"C":{"S":"3"},"-":{"S":"4"},"D":{"S":"5"}}`,
			want: struct {
				A string `dynamodbav:"-"`
				B string `dynamodbav:"-,omitempty"`
				C string `docstore:"-" json:"C"`
				D string `docstore:"-,"`
			}{D: "4"},
			reason: "- leaves a field out; with a comma it is a name, but not to the AWS SDK",
		},
		{
			in: `{"NAME":{"S":"1"},"eMail":{"S":"2"},"straſſe":{"S":"3"}}`,
			want: struct {
				Name   string
				Mail   string `dynamodbav:"email"`
				Street string `dynamodbav:"STRASSE"`
			}{"1", "2", "3"},
			reason: "names fold as by strings.EqualFold",
		},
		{
			in: `{"name":{"S":"1"}}`,
			want: struct {
				A string `json:"NAME"`
				B string `json:"Name"`
			}{A: "1"},
			reason: "of several fields that fold alike the first",
		},
		{
			in: `{"at":{"N":"1795435200"},"p":{"N":"1795435200"},"s":{"S":"2026-11-23T12:00:00Z"},"stamp":{"N":"1795435200"},"n":{"S":"12"},"f":{"N":"1.5"},"t":{"S":"12"}}`,
			want: struct {
				At    time.Time  `dynamodbav:"at,unixtime"`
				P     *time.Time `dynamodbav:"p,unixtime"`
				S     time.Time  `dynamodbav:"s,unixtime"`
				Stamp stamp      `dynamodbav:"stamp,unixtime"`
				N     int        `dynamodbav:"n,string"`
				F     float64    `dynamodbav:"f,string"`
				T     string     `dynamodbav:"t,string"`
			}{noon, &noon, noon, stamp(noon), 12, 1.5, "12"},
			reason: "unixtime takes seconds, string a number in text; both take the other form too",
		},
		{
			in: `{"tags":{"SS":["a"]},"nums":{"L":[{"N":"1"}]}}`,
			want: struct {
				Tags []string `dynamodbav:"tags,stringset,omitemptyelem"`
				Nums []int    `dynamodbav:"nums,numberset"`
			}{[]string{"a"}, []int{1}},
			reason: "options of encoding do not matter",
		},
		{
			in: `{"id":{"S":"i"},"Version":{"N":"1"},"By":{"S":"b"},"Hidden":{"N":"2"},"Inside":{"S":"in"},"Name":{"S":"n"},"tagged":{"M":{"By":{"S":"t"}}},"Time":{"S":"2026-11-23T12:00:00Z"}}`,
			want: struct {
				Base
				*Audit
				private
				Name
				Tagged Deep
				Inner  Audit `json:"tagged"`
				time.Time
				Hidden int
			}{Base: Base{ID: "i"}, Audit: &Audit{By: "b"}, private: private{"in"}, Name: "n", Inner: Audit{By: "t"}, Time: noon, Hidden: 2},
			reason: "embedded structs: promoted, shadowed, ambiguous, made when a pointer; a tag or another kind makes a field",
		},
		{
			in:     `{"id":{"S":"i"}}`,
			want:   struct{ Deep }{Deep{&Base{ID: "i"}}},
			reason: "an embedded pointer in an embedded struct",
		},
		{
			in:     `{"C":{"N":"1"}}`,
			want:   Twice{},
			reason: "one struct embedded twice on a level: its fields are ambiguous",
		},
		{
			in: `{"V":{"N":"1"}}`,
			want: struct {
				A struct{ V int } `json:",omitempty"`
				embedTagged
				EmbedPlain
			}{embedTagged: embedTagged{X: 1}},
			reason: "on one level a tag outranks a name",
		},
		{
			in:     `{"unknown":{"XX":1},"other":5,"A":{"S":"x"}}`,
			want:   struct{ A string }{"x"},
			reason: "attributes without a field are walked over, whatever they hold",
		},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			// Rule D2.5
			got := reflect.New(reflect.TypeOf(tt.want))
			if err := unmarshal(tt.in, got.Interface()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got.Elem().Interface(), equal); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

type (
	embedTagged struct {
		X int `json:"V"`
	}
	EmbedPlain struct{ V int }
)

func TestFieldMismatches(t *testing.T) {
	tests := []struct {
		in   string
		into any
		want string
	}{
		{`{"At":{"N":"1.5"}}`, new(struct {
			At time.Time `dynamodbav:",unixtime"`
		}), "Item.At: number 1.5 does not fit time.Time"},
		{`{"At":{"N":"253402300800"}}`, new(struct {
			At time.Time `dynamodbav:",unixtime"`
		}), "Item.At: number 253402300800 does not fit time.Time: seconds outside of the years 1 to 9999"},
		{`{"N":{"S":"many"}}`, new(struct {
			N int `dynamodbav:",string"`
		}), "Item.N: malformed attribute value: not a number of DynamoDB"},
		{`{"Inside":{"S":"x"}}`, new(struct{ *private }), "Item.Inside: an attribute does not fit string: the field is in an embedded pointer to a struct type that is not exported"},
		{`{"NAME":{"S":"1"},"name":{"S":"2"}}`, new(struct{ Name string }),
			"Item.name: several attributes differ from the field's name in case only: give the field a tag"},
	}
	for _, tt := range tests {
		// Rule D2.5
		if err := unmarshal(tt.in, tt.into); err == nil || err.Error() != tt.want {
			t.Errorf("%s: error %v, want %s", tt.in, err, tt.want)
		}
	}
}

// Attributes have no order, so none may change the result: the exact name wins
// over other cases, also over one that would be an error.
func TestOrderOfAttributesDoesNotMatter(t *testing.T) {
	// Rule D2.5
	type item struct {
		Name string
		Sub  struct{ A, B int }
		List []int
	}
	attributes := []string{`"Name":{"S":"right"}`, `"NAME":{"N":"1"}`, `"name":{"S":"wrong"}`, `"sub":{"M":{"A":{"N":"1"}}}`,
		`"Sub":{"M":{"B":{"N":"2"}}}`, `"list":{"L":[{"N":"1"},{"N":"2"}]}`, `"List":{"L":[{"N":"3"}]}`}
	want := item{Name: "right", List: []int{3}}
	want.Sub.B = 2
	for i := range 500 {
		order := permutation(i, len(attributes))
		var parts []string
		for _, k := range order {
			parts = append(parts, attributes[k])
		}
		in := "{" + strings.Join(parts, ",") + "}"
		var got item
		if err := unmarshal(in, &got); err != nil {
			t.Fatalf("%s: %v", in, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", in, diff)
		}
	}
}

// permutation returns the k-th of some order of the permutations of n things.
func permutation(k, n int) []int {
	left := make([]int, n)
	for i := range left {
		left[i] = i
	}
	var p []int
	for ; n > 0; n-- {
		i := k % n
		k /= n
		p = append(p, left[i])
		left = append(left[:i], left[i+1:]...)
	}
	return p
}

func TestManyFields(t *testing.T) {
	// Rule D2.5
	var fields []reflect.StructField
	var attributes []string
	for i := range 300 {
		fields = append(fields, reflect.StructField{Name: "F" + strconv.Itoa(i), Type: reflect.TypeFor[int]()})
		attributes = append(attributes, fmt.Sprintf(`"F%d":{"N":"%d"}`, i, i))
	}
	v := reflect.New(reflect.StructOf(fields))
	if err := unmarshal("{"+strings.Join(attributes, ",")+"}", v.Interface()); err != nil {
		t.Fatal(err)
	}
	for i := range fields {
		if got := v.Elem().Field(i).Int(); got != int64(i) {
			t.Errorf("F%d = %d", i, got)
		}
	}
	if err := unmarshal("{"+strings.Join(append(attributes, attributes[299]), ",")+"}", v.Interface()); err == nil {
		t.Error("an attribute twice: no error")
	}
}

func TestPlansAreSharedByGoroutines(t *testing.T) {
	// Rule D2.5
	type node struct {
		N    int
		Next *node
	}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			var got node
			err := unmarshal(`{"N":{"N":"1"},"Next":{"M":{"N":{"N":"2"}}}}`, &got)
			if err != nil || got.Next.N != 2 {
				t.Errorf("got %+v, error %v", got, err)
			}
		})
	}
	wg.Wait()
}
