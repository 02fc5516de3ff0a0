// The command imagepipeline runs an image pipeline in memory: pictures that are
// stored get a thumbnail, a row in a table and an event on a topic; new rows
// send a mail; a queue of orders shows retries and dead letters.
//
//	go run ./examples/imagepipeline            # prints what happens
//	go run ./examples/imagepipeline -out DIR   # and leaves the pictures there
//
// It takes some five seconds, in which an order is retried. Ctrl-C ends it
// earlier, with what happened by then.
//
// What it runs is in the packages beside it: pipeline has the handlers, which
// know the event types and nothing else of eventfx; routes connects them to
// their events; local puts an in-memory cloud around them. The same routes run
// on AWS Lambda: see aws.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"gocloud.dev/blob"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/examples/imagepipeline/local"
)

func main() {
	out := flag.String("out", "", "leave the bucket's files in this `directory`")
	flag.Parse()
	slog.SetLogLoggerLevel(slog.LevelWarn) // the timeline says the rest
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *out); err != nil {
		fmt.Fprintln(os.Stderr, "imagepipeline:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out string) (err error) {
	cloud := memcloud.Open(nil)
	defer func() { err = errors.Join(err, cloud.Close()) }()

	p := local.New(cloud)
	// [stop]
	// Close cancels the contexts of the handlers that run, and waits for them.
	// What they had not finished stays in its queue.
	defer context.AfterFunc(ctx, func() { _ = cloud.Close() })()
	// [/stop]
	fmt.Fprintln(os.Stderr, "imagepipeline: this takes some 5 seconds, Ctrl-C stops it")
	err = p.Play(ctx)
	stopped := err != nil && ctx.Err() != nil
	if err != nil && !stopped {
		return err
	}
	if err := p.Report(os.Stdout); err != nil {
		return err
	}
	if stopped {
		fmt.Println("Stopped.")
		return nil
	}
	if out == "" {
		return nil
	}
	n, err := export(ctx, p.Bucket, out)
	if err != nil {
		return err
	}
	fmt.Printf("%d files are in %s.\n", n, out)
	return nil
}

// export writes every object of the bucket to a file below dir, and returns
// their number.
func export(ctx context.Context, bucket *blob.Bucket, dir string) (n int, err error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return 0, err
	}
	root, err := os.OpenRoot(dir) // a key may have ".." in it
	if err != nil {
		return 0, err
	}
	defer root.Close()
	list := bucket.List(nil)
	for {
		object, err := list.Next(ctx)
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		data, err := bucket.ReadAll(ctx, object.Key)
		if err != nil {
			return n, err
		}
		name := filepath.FromSlash(object.Key)
		if err := root.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			return n, err
		}
		if err := root.WriteFile(name, data, 0o666); err != nil {
			return n, err
		}
		n++
	}
}
