package idempotency

import (
	"context"
	"fmt"
	"time"

	"gocloud.dev/docstore"
	"gocloud.dev/gcerrors"
)

// Collection is a Store in a gocloud collection: DynamoDB, Firestore, MongoDB
// or memory. KeyField is the name of the collection's key, "" means "id".
//
// A document has the fields
//
//	id        a hash of route and key
//	name      route and key in clear, for people
//	state     "inprogress" or "done"
//	until     when the lock or the memory ends, in milliseconds since 1970
//	expires   the same in seconds: let the time to live of DynamoDB read it
//	payload   a hash of the data, where it is compared
//	result    what Do returned
//
// Reads must be consistent. gocloud's driver for DynamoDB reads so by the
// option consistent_read=true of its URL, ConsistentRead of its options.
func Collection(c *docstore.Collection, keyField string) Store {
	if keyField == "" {
		keyField = "id"
	}
	return &collection{c, keyField}
}

type collection struct {
	c   *docstore.Collection
	key string
}

type document = map[string]any

func (s *collection) Get(ctx context.Context, key string) (Record, error) {
	d := document{s.key: key}
	if err := s.c.Get(ctx, d); err != nil {
		if gcerrors.Code(err) == gcerrors.NotFound {
			return Record{}, ErrNotFound
		}
		return Record{}, err
	}
	return s.record(d)
}

func (s *collection) Create(ctx context.Context, r Record) (Record, error) {
	d := s.document(r)
	err := s.c.Create(ctx, d)
	switch gcerrors.Code(err) {
	case gcerrors.OK:
		r.Revision = d[docstore.DefaultRevisionField]
		return r, nil
	case gcerrors.AlreadyExists, gcerrors.FailedPrecondition:
		return r, ErrExists
	}
	return r, err
}

func (s *collection) Replace(ctx context.Context, r Record) (Record, error) {
	d := s.document(r)
	d[docstore.DefaultRevisionField] = r.Revision
	err := s.c.Replace(ctx, d)
	switch gcerrors.Code(err) {
	case gcerrors.OK:
		r.Revision = d[docstore.DefaultRevisionField]
		return r, nil
	case gcerrors.FailedPrecondition, gcerrors.NotFound:
		return r, ErrConflict
	}
	return r, err
}

func (s *collection) Delete(ctx context.Context, r Record) error {
	err := s.c.Delete(ctx, document{s.key: r.Key, docstore.DefaultRevisionField: r.Revision})
	switch gcerrors.Code(err) {
	case gcerrors.OK:
		return nil
	case gcerrors.FailedPrecondition, gcerrors.NotFound:
		return ErrConflict
	}
	return err
}

func (s *collection) document(r Record) document {
	d := document{
		s.key: r.Key, "name": r.Name, "state": string(r.State),
		"until": r.Until.UnixMilli(), "expires": r.Until.Unix() + 1,
		docstore.DefaultRevisionField: nil,
	}
	if r.Payload != "" {
		d["payload"] = r.Payload
	}
	if r.Result != nil {
		d["result"] = r.Result
	}
	return d
}

func (s *collection) record(d document) (Record, error) {
	text := func(field string) string {
		v, _ := d[field].(string)
		return v
	}
	r := Record{Key: text(s.key), Name: text("name"), State: State(text("state")), Payload: text("payload"), Revision: d[docstore.DefaultRevisionField]}
	until, ok := number(d["until"])
	if !ok || r.State != InProgress && r.State != Done {
		return r, fmt.Errorf("idempotency: the document %q is no record of ours: give the guard a collection of its own", r.Key)
	}
	r.Until = time.UnixMilli(until)
	r.Result, _ = d["result"].([]byte)
	return r, nil
}

// number reads what different drivers make of an integer.
func number(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case int32:
		return int64(v), true
	case int:
		return int64(v), true
	case float64:
		return int64(v), true
	}
	return 0, false
}
