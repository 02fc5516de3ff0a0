package table

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/attributevalue"
	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// DynamoDB's words. The data of the event is a record of its stream.
const (
	dynamoDBType = "com.amazonaws.dynamodb." // before the eventName of the record

	// dynamoDBService is who removes an item whose time to live has ended.
	dynamoDBService = "dynamodb.amazonaws.com"

	// dynamoDBExpired is the extension attribute of such a removal.
	dynamoDBExpired = "dynamodbttl"
)

// kindOf returns the kind of change that the event's type names, or "".
func kindOf(m *eventfx.Message) Kind {
	if m.Context == nil {
		return ""
	}
	eventName, ok := strings.CutPrefix(m.Context.GetType(), dynamoDBType)
	if !ok {
		return ""
	}
	switch eventName {
	case "INSERT":
		return Insert
	case "MODIFY":
		return Modify
	case "REMOVE":
		return Remove
	}
	return ""
}

// isTable reports whether m comes from the table: by the ARN in the event's
// source, and if that names none by the transport. The source comes first, for
// an event that travelled on through a queue has that queue's name in Origin.
func isTable(m *eventfx.Message, name string) bool {
	if name == "" {
		return true
	}
	if table, ok := tableOf(arn(m)); ok {
		return table == name
	}
	return m.Origin.Name == name
}

// arn returns the event's source, if that is an ARN, without "arn:".
func arn(m *eventfx.Message) string {
	if ec, ok := m.Context.(*event.EventContextV1); ok {
		if ec.Source.Scheme == "arn" { // url.URL.String allocates
			return ec.Source.Opaque
		}
		return ""
	}
	text, _ := strings.CutPrefix(m.Context.GetSource(), "arn:")
	return text
}

// tableOf returns the NAME of ...:table/NAME, also before /stream/....
func tableOf(arn string) (name string, ok bool) {
	_, name, ok = strings.Cut(arn, ":table/")
	name, _, _ = strings.Cut(name, "/")
	return name, ok
}

var (
	errNotUTF8  = errors.New("table: the record is not UTF-8")
	errNoRecord = errors.New("table: the record is not a JSON object")
	errNoChange = errors.New(`table: the record has no object "dynamodb"`)
)

// decode reads the record in one pass.
func decode[T any](m *eventfx.Message) (c Change[T], err error) {
	kind := kindOf(m)
	if kind == "" {
		return c, fmt.Errorf("table: %q is not the type of a change", m.Type())
	}
	if !utf8.Valid(m.DataEncoded) {
		return c, errNotUTF8
	}
	s := jsonscan.New(m.DataEncoded)
	if s.Kind() != '{' {
		return c, errNoRecord
	}
	s.Object()
	found, expired := false, false
	for key, more := s.Key(); more; key, more = s.Key() {
		switch {
		case string(key) == "dynamodb" && s.Kind() == '{':
			found = true
			if err := images(&s, &c); err != nil {
				return Change[T]{}, wrap(err)
			}
		case string(key) == "userIdentity" && s.Kind() == '{':
			expired = isService(&s)
		default:
			s.Skip()
		}
	}
	if err := s.End(); err != nil {
		return Change[T]{}, wrap(err)
	}
	if !found {
		return Change[T]{}, errNoChange
	}
	c.Kind = kind
	c.Expired = kind == Remove && (expired || hasExpired(m))
	return c, nil
}

// images decodes the object "dynamodb" of a record.
func images[T any](s *jsonscan.Scanner, c *Change[T]) error {
	s.Object()
	for key, more := s.Key(); more; key, more = s.Key() {
		if s.Kind() == 'n' {
			s.Null()
			continue
		}
		var err error
		switch string(key) {
		case "Keys":
			c.Keys = *new(T)
			err = attributevalue.Decode(s, "Keys", &c.Keys)
		case "NewImage":
			c.New = new(T)
			err = attributevalue.Decode(s, "NewImage", c.New)
		case "OldImage":
			c.Old = new(T)
			err = attributevalue.Decode(s, "OldImage", c.Old)
		default:
			s.Skip()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// isService reports whether the object "userIdentity" of a record names
// DynamoDB itself.
func isService(s *jsonscan.Scanner) bool {
	var service, itself bool
	s.Object()
	for key, more := s.Key(); more; key, more = s.Key() {
		switch {
		case string(key) == "type" && s.Kind() == '"':
			text, _ := s.String()
			service = string(text) == "Service"
		case string(key) == "principalId" && s.Kind() == '"':
			text, _ := s.String()
			itself = string(text) == dynamoDBService
		default:
			s.Skip()
		}
	}
	return service && itself
}

// hasExpired reads the extension attribute, which is text after a journey in
// the headers of HTTP.
func hasExpired(m *eventfx.Message) bool {
	for name, value := range m.Extensions() {
		if name == dynamoDBExpired {
			return value == true || value == "true"
		}
	}
	return false
}

// wrap makes an error of a helper one of this package.
func wrap(err error) error {
	if e, ok := errors.AsType[*attributevalue.Error](err); ok {
		return (*DecodeError)(e)
	}
	return fmt.Errorf("table: record: %w", err)
}
