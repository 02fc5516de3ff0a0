// Package planted holds bugs for the tests of Explore and Laws, a package
// each: bug.go is what somebody wrote, fixed.go the same without the bug,
// scenario.go what it works with, what happens to it, and what must hold. The
// package comments name the public reports that the bugs were made after; the
// code is ours.
package planted

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// Each makes a handler of a function for one message: what fails is named in
// the answer.
func Each(f func(context.Context, events.SQSMessage) error) memcloud.Handler {
	return lambda.NewHandler(func(ctx context.Context, e events.SQSEvent) (answer events.SQSEventResponse, err error) {
		for _, m := range e.Records {
			if err := f(ctx, m); err != nil {
				answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
			}
		}
		return answer, nil
	})
}

// Partial is a mapping that reads the answers of Each.
func Partial() *memcloud.Mapping { return &memcloud.Mapping{ReportBatchItemFailures: true} }

// Append adds an entry to the list in a row's attribute "entries".
func Append(ctx context.Context, t *memcloud.Table, id, entry string) error {
	return t.Transact(ctx, "append\x00"+id+"\x00"+entry, func(x *memcloud.Tx) error {
		row, err := x.Get(memcloud.Item{"id": id})
		if err != nil {
			return err
		}
		list, _ := row["entries"].([]any)
		return x.Put(memcloud.Item{"id": id, "entries": append(list, entry)})
	})
}

// Firsts returns the entries of a row that Append has made, without those that
// were there before.
func Firsts(t *memcloud.Table, id string) []string {
	row, _ := t.Get(id)
	list, _ := row["entries"].([]any)
	seen := map[any]bool{}
	var firsts []string
	for _, entry := range list {
		if !seen[entry] {
			seen[entry] = true
			firsts = append(firsts, entry.(string))
		}
	}
	return firsts
}
