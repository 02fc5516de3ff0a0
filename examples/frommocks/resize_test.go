package frommocks

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// A function that makes pictures smaller, from one bucket to another.

const longestSide = 400

// store is what the function wants of a bucket.
type store interface {
	Read(ctx context.Context, key string) ([]byte, error)
	Write(ctx context.Context, key string, data []byte) error
}

func resize(from, to store) func(context.Context, events.S3Event) error {
	return func(ctx context.Context, e events.S3Event) error {
		for _, record := range e.Records {
			key := record.S3.Object.URLDecodedKey
			data, err := from.Read(ctx, key)
			if err != nil {
				return err
			}
			picture, err := png.Decode(bytes.NewReader(data))
			if err != nil {
				return err
			}
			var out bytes.Buffer
			if err := png.Encode(&out, shrink(picture)); err != nil {
				return err
			}
			if err := to.Write(ctx, key, out.Bytes()); err != nil {
				return err
			}
		}
		return nil
	}
}

// shrink takes every n-th point.
func shrink(in image.Image) image.Image {
	size := in.Bounds().Size()
	n := (max(size.X, size.Y) + longestSide - 1) / longestSide
	out := image.NewRGBA(image.Rect(0, 0, size.X/n, size.Y/n))
	for y := range size.Y / n {
		for x := range size.X / n {
			out.Set(x, y, in.At(in.Bounds().Min.X+x*n, in.Bounds().Min.Y+y*n))
		}
	}
	return out
}

// picture is a PNG that does not compress well.
func picture(width, height int) []byte {
	p := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			h := uint32(x*7919+y*104729) * 2654435761
			p.Set(x, y, color.RGBA{byte(h >> 8), byte(h >> 16), byte(h >> 24), 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, p); err != nil {
		panic(err)
	}
	return b.Bytes()
}

type memoryStore struct{ *memcloud.Bucket }

func (m memoryStore) Read(ctx context.Context, key string) ([]byte, error) {
	o, err := m.GetObject(ctx, key, "")
	return o.Data, err
}

func (m memoryStore) Write(ctx context.Context, key string, data []byte) error {
	_, err := m.PutObject(ctx, memcloud.Object{Key: key, Data: data}, memcloud.Condition{})
	return err
}

// [deploy]
// deploy makes what the repository's deployment script makes with a dozen
// calls of the command-line tool. The event is tried once, not three times.
// A queue stands for the reader of the mail.
func deploy(cloud *memcloud.Cloud) (images, resized *memcloud.Bucket, mail *memcloud.Queue) {
	images, resized = cloud.Bucket("images", nil), cloud.Bucket("resized", nil)
	failed := cloud.Topic("failed-resize")
	mail = cloud.Queue("mail", nil)
	failed.Subscribe(mail, &memcloud.Subscription{Raw: true})
	cloud.Function("resize", lambda.NewHandler(resize(memoryStore{images}, memoryStore{resized})),
		&memcloud.FunctionOptions{Timeout: 10 * time.Second, Retries: -1, MaxAge: time.Hour, DeadLetter: failed},
		memcloud.Trigger(images))
	return images, resized, mail
}

// [/deploy]

func TestResize(t *testing.T) {
	big := picture(500, 300)
	// [resize]
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(t)
		images, resized, mail := deploy(cloud)

		const key = "cats/nyan cat+1.png" // it arrives as cats/nyan+cat%2B1.png
		images.Put(key, big)
		cloud.Settle()

		small, ok := resized.Get(key)
		if !ok || len(small) >= len(big) || len(mail.Messages()) > 0 {
			t.Errorf("made: %t, %d bytes of %d, %d failures", ok, len(small), len(big), len(mail.Messages()))
		}
	})
	// [/resize]
}

func TestResizeFails(t *testing.T) {
	// [fails]
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(t)
		images, resized, mail := deploy(cloud)

		images.Put("some-file.txt", []byte("no picture"))
		cloud.Settle()

		told := mail.Messages()
		if len(told) != 1 || !strings.Contains(told[0].Body, `"key":"some-file.txt"`) {
			t.Fatalf("told of the failure: %+v, want the event once", told)
		}
		if got, want := told[0].Attributes["ErrorMessage"].Value, "png: invalid format: not a PNG file"; got != want {
			t.Errorf("the reason is %q, want %q", got, want)
		}
		if took := cloud.Now(); took > time.Second {
			t.Errorf("told after %v, want no second try", took)
		}
		if diff := cmp.Diff([]string(nil), resized.Keys()); diff != "" {
			t.Errorf("objects (-want +got):\n%s", diff)
		}
	})
	// [/fails]
}
