// Command function is a Lambda function that ends in whatever way it is asked
// to: by the event, or by ENDING where it is to happen before one.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

func init() {
	switch os.Getenv("ENDING") {
	case "panic":
		panic("no TABLE in the environment")
	case "exit":
		fmt.Fprintln(os.Stderr, "no TABLE in the environment")
		os.Exit(1)
	}
}

func main() {
	var options []lambda.Option
	switch os.Getenv("ENDING") {
	case "returns":
		return
	case "deadlock":
		var mu sync.Mutex
		mu.Lock()
		mu.Lock()
	case "silent":
		time.Sleep(time.Hour)
	case "sigterm":
		options = append(options, lambda.WithEnableSIGTERM(func() {
			fmt.Fprintln(os.Stderr, "closing")
			os.Exit(0)
		}))
	case "stays":
		options = append(options, lambda.WithEnableSIGTERM(func() { fmt.Fprintln(os.Stderr, "not closing") }))
	}
	lambda.StartWithOptions(handler{}, options...)
}

// A handler is a lambda.Handler: its answer is sent as it is.
type handler struct{}

func (handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var batch events.SQSEvent
	if err := json.Unmarshal(payload, &batch); err == nil && len(batch.Records) > 0 {
		return ship(ctx, batch)
	}
	var ask string
	if err := json.Unmarshal(payload, &ask); err != nil {
		return nil, err
	}
	if ask != "quiet" {
		fmt.Fprintln(os.Stderr, "asked for", ask)
	}
	return end(ctx, ask)
}

// end ends as it is asked to.
func end(ctx context.Context, ask string) ([]byte, error) {
	switch ask {
	case "exit 0":
		os.Exit(0)
	case "exit 1":
		os.Exit(1)
	case "panic":
		panic("no such order")
	case "goroutine":
		go count(nil)
		select {}
	case "later":
		// It answers, and ends a moment after.
		if err := os.WriteFile(os.Getenv("PIDFILE"), []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
			return nil, err
		}
		time.AfterFunc(50*time.Millisecond, func() { os.Exit(3) })
	case "nil map":
		var seen map[string]int
		seen[ask]++
	case "deadlock":
		results := make(chan string)
		return []byte(<-results), nil
	case "sleep":
		time.Sleep(time.Hour)
	case "compute":
		for n := uint64(1); ; n = n*6364136223846793005 + 1 {
			if n == 0 {
				runtime.Gosched()
			}
		}
	case "memory":
		hoard()
	case "limit":
		// As the operating system limits a process: Go's runtime finds out.
		limit := syscall.Rlimit{Cur: 256 << 20, Max: 256 << 20}
		if err := syscall.Setrlimit(rlimitData, &limit); err != nil {
			return nil, err
		}
		hoard()
	case "sigterm":
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
		time.Sleep(time.Hour)
	case "large":
		return []byte(`"` + strings.Repeat("x", 6<<20+99) + `"`), nil
	case "text":
		return []byte("thanks"), nil
	case "nothing":
		return nil, nil
	case "error":
		return nil, fmt.Errorf("ship order 7: %w", errors.New("no such article"))
	case "typed":
		return nil, &OrderError{"7"}
	case "context":
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		return json.Marshal(map[string]any{
			"id": lc.AwsRequestID, "arn": lc.InvokedFunctionArn, "trace": os.Getenv("_X_AMZN_TRACE_ID"), "name": lambdacontext.FunctionName,
			"memory": lambdacontext.MemoryLimitInMB, "seconds": int(time.Until(deadline).Seconds() + 0.9), "table": os.Getenv("TABLE"),
		})
	}
	return json.Marshal("did " + ask)
}

// rlimitData is RLIMIT_DATA, which package syscall has no name for everywhere.
const rlimitData = 2

// An OrderError has a type of the function's own.
type OrderError struct{ id string }

func (e *OrderError) Error() string { return "no such order: " + e.id }

func count(list []int) int { return list[3] }

// hoard takes a gigabyte: a limit that does not work must not take the machine
// with it.
func hoard() {
	var kept [][]byte
	for range 256 {
		page := make([]byte, 4<<20)
		for i := 0; i < len(page); i += 4096 {
			page[i] = 1 // memory counts when it is touched
		}
		kept = append(kept, page)
		runtime.KeepAlive(kept)
	}
}

// ship handles a batch of a queue: each message says what becomes of it.
func ship(ctx context.Context, batch events.SQSEvent) ([]byte, error) {
	var answer events.SQSEventResponse
	for _, m := range batch.Records {
		fmt.Fprintln(os.Stderr, "ship", m.Body)
		switch word, _, _ := strings.Cut(m.Body, " "); word {
		case "fail":
			answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		case "panic":
			panic("no such order")
		case "hang":
			select {}
		case "once":
			if m.Attributes["ApproximateReceiveCount"] == "1" {
				answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
			}
		}
	}
	return json.Marshal(answer)
}
