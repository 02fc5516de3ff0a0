// Command function is a bootstrap for the tests: each message says what becomes
// of it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

func main() {
	switch os.Getenv("FUNCTION_START") {
	case "exits":
		os.Exit(7)
	case "hangs":
		select {}
	case "reports":
		response, err := http.Post("http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+"/2018-06-01/runtime/init/error", "application/json",
			strings.NewReader(`{"errorType":"Config.Missing","errorMessage":"no TABLE in the environment"}`))
		if err == nil {
			response.Body.Close()
		}
		os.Exit(1)
	}
	lambda.StartWithOptions(function{}, lambda.WithEnableSIGTERM(func() { fmt.Fprintln(os.Stderr, "SIGTERM", os.Getpid()) }))
}

// function is a lambda.Handler: its answer is sent as it is.
type function struct{}

func (function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var e events.SQSEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	var answer events.SQSEventResponse
	for _, m := range e.Records {
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		fmt.Fprintln(os.Stderr, "handle", m.Body, "in", os.Getpid(), "of", lambdacontext.FunctionName, lc.AwsRequestID, lc.InvokedFunctionArn,
			"with", time.Until(deadline).Milliseconds(), "ms; leads its group:", syscall.Getpgrp() == os.Getpid())
		switch word, rest, _ := strings.Cut(m.Body, " "); word {
		case "fail":
			answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		case "error":
			return nil, &OrderError{rest}
		case "panic":
			panic("as asked")
		case "exit":
			os.Exit(3)
		case "hang":
			select {}
		case "text":
			return []byte("not JSON"), nil
		case "nothing":
			return nil, nil
		case "meet":
			if err := meet(rest); err != nil {
				return nil, err
			}
		}
	}
	return json.Marshal(answer)
}

// An OrderError has a type of the function's own.
type OrderError struct{ what string }

func (e *OrderError) Error() string { return "no such order: " + e.what }

// meet waits until as many processes as the text says have come here.
func meet(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil {
		return err
	}
	dir := os.Getenv("FUNCTION_MEET")
	if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(os.Getpid())), nil, 0o600); err != nil {
		return err
	}
	for range 5000 {
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) >= n {
			return err
		}
		time.Sleep(time.Millisecond) // other processes: there is nothing to wait on
	}
	return errors.New("nobody came")
}
