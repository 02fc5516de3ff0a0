package awscompat

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/eventfx"
)

// DynamoDB matches the records of a table's stream, of all three kinds: the
// record's EventName tells them apart.
type DynamoDB struct {
	Table string // "" matches any
}

const dynamoDBType = "com.amazonaws.dynamodb."

// Match reports whether m is a change in the table.
func (s DynamoDB) Match(m *eventfx.Message) bool {
	if !strings.HasPrefix(m.Type(), dynamoDBType) {
		return false
	}
	if s.Table == "" {
		return true
	}
	// The source is the table's ARN.
	_, table, ok := strings.Cut(m.Source(), ":table/")
	table, _, _ = strings.Cut(table, "/")
	return ok && table == s.Table
}

// Decode returns the record. The typed accessors of its attribute values panic
// on another type, as they do everywhere; package table decodes into a struct
// of yours instead.
func (s DynamoDB) Decode(m *eventfx.Message) (r events.DynamoDBEventRecord, err error) {
	// A set with an element of the wrong type panics in aws-lambda-go. It will
	// not get better by another attempt.
	defer func() {
		if value := recover(); value != nil {
			r, err = events.DynamoDBEventRecord{}, fmt.Errorf("awscompat: DynamoDB record: %v", value)
		}
	}()
	if err := json.Unmarshal(m.DataEncoded, &r); err != nil {
		return events.DynamoDBEventRecord{}, fmt.Errorf("awscompat: DynamoDB record: %w", err)
	}
	return r, nil
}

// String returns the source as it is written in Go.
func (s DynamoDB) String() string { return literal("DynamoDB", "Table", s.Table) }
