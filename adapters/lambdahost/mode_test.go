package lambdahost_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/eventfx/eventfx-go/adapters/lambdahost"
	"github.com/eventfx/eventfx-go/eventfx"
)

// logged returns the lines that f logs, without their time.
func logged(t *testing.T, f func()) []string {
	t.Helper()
	var out bytes.Buffer
	before := slog.Default()
	defer slog.SetDefault(before)
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})))
	f()
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

func TestMode(t *testing.T) {
	const (
		no  = `level=INFO msg="lambdahost: any failed message fails its invocation" partialBatch=false reason=`
		yes = `level=INFO msg="lambdahost: failed messages of queues and streams are reported one by one; every mapping must have ReportBatchItemFailures" partialBatch=true reason=`
	)
	tests := []struct {
		name   string
		opts   *lambdahost.Options
		env    string
		want   []string
		reason string
	}{
		{name: "zero", want: []string{no + `"neither Options.PartialBatch nor EVENTFX_PARTIAL_BATCH=on is set"`}, reason: "nothing is declared"},
		{name: "option", opts: &lambdahost.Options{PartialBatch: true}, env: "off", want: []string{yes + `"Options.PartialBatch is set"`}, reason: "the code declares it"},
		{name: "on", env: "on", want: []string{yes + `"EVENTFX_PARTIAL_BATCH=on"`}, reason: "the deployment declares it"},
		{name: "off", env: "off", want: []string{no + `"neither Options.PartialBatch nor EVENTFX_PARTIAL_BATCH=on is set"`}, reason: "the deployment says no"},
		{
			name: "typo", env: "true", reason: "a wrong value must not be taken for a declaration, nor pass in silence",
			want: []string{`level=WARN msg="lambdahost: EVENTFX_PARTIAL_BATCH is neither on nor off: it counts as off" value=true`, no + `"EVENTFX_PARTIAL_BATCH is not on"`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// Rule C5
			t.Setenv("EVENTFX_PARTIAL_BATCH", tt.env)
			var h lambda.Handler
			got := logged(t, func() { h = lambdahost.Handler(failing("b"), tt.opts) })
			if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("log\n%s\nwant\n%s\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"), tt.reason)
			}
			_, err := h.Invoke(t.Context(), sqs("a", "b"))
			if partial := strings.Contains(tt.want[0], "partialBatch=true"); partial != (err == nil) {
				t.Errorf("error %v: %s", err, tt.reason)
			}
		})
	}
}

// handlerFunc makes a lambda.Handler of a function, as vendors' wrappers do.
type handlerFunc func(context.Context, []byte) ([]byte, error)

func (f handlerFunc) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return f(ctx, payload)
}

type spanKey struct{}

func TestWrap(t *testing.T) {
	tests := map[string]func(lambda.Handler) lambda.Handler{
		"a type of its own": func(next lambda.Handler) lambda.Handler {
			return handlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
				return next.Invoke(context.WithValue(ctx, spanKey{}, "span"), payload)
			})
		},
		"a handler of package lambda": func(next lambda.Handler) lambda.Handler {
			return lambda.NewHandler(func(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
				return next.Invoke(context.WithValue(ctx, spanKey{}, "span"), payload)
			})
		},
	}
	for name, wrap := range tests {
		t.Run(name, func(t *testing.T) {
			r := router(func(ctx context.Context, _ eventfx.Event[string]) error {
				if ctx.Value(spanKey{}) != "span" {
					t.Error("the wrapper's context does not reach the handler")
				}
				return nil
			})
			answer, err := lambdahost.Handler(r, &lambdahost.Options{Wrap: wrap}).Invoke(within(t, time.Minute), sqs("a"))
			if string(answer) != `{"batchItemFailures":[]}` || err != nil {
				t.Errorf("answer %s, %v", answer, err)
			}
		})
	}
}

func TestWrongUse(t *testing.T) {
	tests := map[string]func(){
		"lambdahost: nil Router": func() { lambdahost.Handler(nil, nil) },
		"lambdahost: Options.Wrap returned nil": func() {
			lambdahost.Handler(&eventfx.Router{}, &lambdahost.Options{Wrap: func(lambda.Handler) lambda.Handler { return nil }})
		},
	}
	for want, f := range tests {
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("panic %v, want %q", got, want)
				}
			}()
			f()
		}()
	}
}
