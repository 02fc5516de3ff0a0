package claimcheck

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"strings"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"
	"gocloud.dev/gcerrors"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/narrow"
)

// Fetch is eventfx.Middleware: it gives the handler copies of messages whose
// data is elsewhere, with the data. It is fetched for each attempt.
//
// Data that is not allowed, gone or too large is a permanent failure of its
// message; any other failure to read is transient. The message that
// eventfx.FromContext returns stays without the data.
func (c *Claims) Fetch(next eventfx.Handler) eventfx.Handler {
	return func(ctx context.Context, d *eventfx.Delivery) error {
		return narrow.Run(ctx, d, next, func(m *eventfx.Message) (*eventfx.Message, error) { return c.whole(ctx, m) })
	}
}

// whole returns m, or a copy of it with its data.
func (c *Claims) whole(ctx context.Context, m *eventfx.Message) (*eventfx.Message, error) {
	r, pointer, elsewhere, err := c.referenceOf(m)
	if err != nil || !elsewhere {
		return m, err
	}
	data, err := c.read(ctx, r)
	if err != nil {
		return nil, err
	}
	m = m.Clone()
	m.DataEncoded = data
	if pointer {
		// The body that was sent is text or JSON, as for any message of a queue.
		m.SetDataContentType(event.TextPlain)
		if body := bytes.TrimLeft(data, " \t\r\n"); len(body) > 0 && (body[0] == '{' || body[0] == '[') && json.Valid(data) {
			m.SetDataContentType(event.ApplicationJSON)
		}
	}
	m.DataBase64 = !isText(m.DataContentType(), data)
	return m, nil
}

func (c *Claims) read(ctx context.Context, r reference) ([]byte, error) {
	b, err := c.bucketOf(r)
	if err != nil {
		return nil, err
	}
	limit := c.Limit
	if limit == 0 {
		limit = defaultLimit
	}
	in, err := b.NewReader(ctx, r.key, nil)
	switch {
	case gcerrors.Code(err) == gcerrors.NotFound:
		return nil, eventfx.Permanent(fmt.Errorf("%w: %s", ErrGone, clip(r.String())))
	case err != nil:
		return nil, fmt.Errorf("claimcheck: fetch %s: %w", clip(r.String()), err)
	}
	defer in.Close()
	if in.Size() > limit {
		return nil, eventfx.Permanent(fmt.Errorf("claimcheck: %s has %d bytes, more than Claims.Limit of %d", clip(r.String()), in.Size(), limit))
	}
	data := make([]byte, in.Size())
	if _, err := io.ReadFull(in, data); err != nil {
		return nil, fmt.Errorf("claimcheck: fetch %s: %w", clip(r.String()), err)
	}
	return data, nil
}

// isText reports whether data of this type stands in the JSON format of an
// event as it is.
func isText(contentType string, data []byte) bool {
	media, _, err := mime.ParseMediaType(contentType)
	switch {
	case contentType == "":
		return json.Valid(data) // without a type, data is JSON
	case err != nil || !utf8.Valid(data):
		return false
	case strings.HasSuffix(media, "/json") || strings.HasSuffix(media, "+json"):
		return json.Valid(data)
	}
	return strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "/xml") || strings.HasSuffix(media, "+xml")
}
