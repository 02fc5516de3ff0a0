package claimcheck_test

import (
	"context"
	"fmt"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/blob/memblob"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers/claimcheck"
)

func Example() {
	ctx := context.Background()
	bucket := memblob.OpenBucket(nil)
	defer bucket.Close()
	claims := &claimcheck.Claims{
		Bucket: bucket, URL: "s3://claims",
		Allow: map[string]*blob.Bucket{"s3://claims": bucket},
	}

	// The sender: data over the threshold stays in the bucket.
	e, err := claims.Deposit(ctx, order(`{"note":"`+strings.Repeat("x", 300_000)+`"}`, ""))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d bytes and %.12s...\n", len(e.DataEncoded), e.Extensions()["dataref"])

	// The receiver: handlers see no difference.
	r := &eventfx.Router{Use: []eventfx.Middleware{claims.Fetch}}
	eventfx.On(r, whatever{}, func(_ context.Context, e eventfx.Event[string]) error {
		fmt.Printf("%d bytes, %.12s...\n", len(e.Data), e.Data)
		return nil
	})
	r.Deliver(ctx, []*eventfx.Message{{Event: e}})
	// Output:
	// 0 bytes and s3://claims/...
	// 300011 bytes, {"note":"xxx...
}
