package table_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/eventfx/table"
)

// account is an item of twelve attributes, of most types.
type account struct {
	ID       string            `dynamodbav:"pk"`
	Sort     int64             `dynamodbav:"sk"`
	Email    string            `dynamodbav:"email"`
	Name     string            `dynamodbav:"name"`
	Balance  float64           `dynamodbav:"balance"`
	Visits   int               `dynamodbav:"visits"`
	Active   bool              `dynamodbav:"active"`
	Roles    []string          `dynamodbav:"roles,stringset"`
	Scores   []int             `dynamodbav:"scores"`
	Address  address           `dynamodbav:"address"`
	Labels   map[string]string `dynamodbav:"labels"`
	Referrer *string           `dynamodbav:"referrer"`
}

type address struct {
	Street string `dynamodbav:"street"`
	City   string `dynamodbav:"city"`
	Zip    string `dynamodbav:"zip"`
}

// BenchmarkDecode decodes one record of old and new image into the user's
// struct, beside what aws-lambda-go does for its attribute values, from which
// a user's struct is yet to be filled. The last run takes turns, and prints how
// much of the other's time this package needs.
func BenchmarkDecode(b *testing.B) {
	data, err := os.ReadFile("testdata/modify_account.json")
	if err != nil {
		b.Fatal(err)
	}
	m := record("MODIFY", string(data))
	src := table.Modified[account]{Table: "accounts"}
	ours := func(b *testing.B) {
		if _, err := src.Decode(m); err != nil {
			b.Fatal(err)
		}
	}
	theirs := func(b *testing.B) {
		var r events.DynamoDBEventRecord
		if err := json.Unmarshal(data, &r); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("table", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ours(b)
		}
	})
	b.Run("aws-lambda-go", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			theirs(b)
		}
	})
	b.Run("ratio", func(b *testing.B) {
		var mine, other time.Duration
		for b.Loop() {
			start := time.Now()
			for range 10 {
				ours(b)
			}
			middle := time.Now()
			for range 10 {
				theirs(b)
			}
			mine += middle.Sub(start)
			other += time.Since(middle)
		}
		b.ReportMetric(float64(mine)/float64(other), "of-aws-lambda-go")
		b.ReportMetric(0, "ns/op")
	})
}
