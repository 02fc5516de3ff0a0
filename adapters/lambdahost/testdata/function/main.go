// Command function is a bootstrap for the tests: each message says what
// becomes of it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/eventfx/eventfx-go/adapters/lambdahost"
	"github.com/eventfx/eventfx-go/eventfx"
)

func main() {
	r := &eventfx.Router{}
	eventfx.On(r, text{}, eventfx.Data(do))
	lambdahost.Start(r, &lambdahost.Options{Wrap: wrap, Shutdown: []func(context.Context) error{
		func(context.Context) error {
			time.Sleep(100 * time.Millisecond)
			fmt.Fprintln(os.Stderr, "shutdown: flushed")
			return nil
		},
		func(context.Context) error {
			time.Sleep(100 * time.Millisecond)
			fmt.Fprintln(os.Stderr, "shutdown: closed")
			return nil
		},
		func(context.Context) error {
			if os.Getenv("FUNCTION_HANGS") != "" {
				select {} // its context is nothing to it
			}
			return nil
		},
	}})
}

// wrap is a wrapper that returns a handler of package lambda, if asked for.
func wrap(next lambda.Handler) lambda.Handler {
	if os.Getenv("FUNCTION_WRAPS") == "" {
		return next
	}
	return lambda.NewHandler(func(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
		return next.Invoke(ctx, payload)
	})
}

func do(ctx context.Context, what string) error {
	fmt.Fprintln(os.Stderr, "handler:", what)
	switch what {
	case "fail":
		return errors.New("as asked")
	case "panic":
		panic("as asked")
	case "wait":
		<-ctx.Done()
		return context.Cause(ctx)
	case "tell":
		lc, _ := lambdacontext.FromContext(ctx)
		fmt.Fprintln(os.Stderr, "invocation:", lc.AwsRequestID, lc.InvokedFunctionArn, ctx.Value("x-amzn-trace-id"))
		return nil
	case "hang":
		select {} // as above
	}
	if strings.HasPrefix(what, "ok") {
		return nil
	}
	return fmt.Errorf("unknown %q", what)
}

// text takes every message and its data as text.
type text struct{}

func (text) Match(*eventfx.Message) bool               { return true }
func (text) Decode(m *eventfx.Message) (string, error) { return string(m.DataEncoded), nil }
func (text) String() string                            { return "text" }
