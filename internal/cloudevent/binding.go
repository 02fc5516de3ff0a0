package cloudevent

import (
	"fmt"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"
)

// A Binding is how a binary mode writes attributes into metadata or headers.
type Binding struct {
	Prefix  string
	Percent bool // values are percent-encoded
}

var (
	// HTTP is the binding of HTTP, and of the brokers that follow it.
	HTTP = Binding{Prefix: "ce-", Percent: true}
	// Kafka is the binding of Kafka.
	Kafka = Binding{Prefix: "ce_"}

	bindings = [...]Binding{HTTP, Kafka}
)

// Required are the attributes that every event has.
var Required = [...]string{"specversion", "id", "source", "type"}

// carries reports whether metadata has the four required attributes. With
// fewer it is the metadata of an ordinary message.
func (b Binding) carries(metadata map[string]string) bool {
	for _, name := range Required {
		if _, ok := lookup(metadata, b.Prefix+name); !ok {
			return false
		}
	}
	return true
}

// Name returns the attribute that a key of metadata stands for.
func (b Binding) Name(key string) (string, bool) {
	if len(key) <= len(b.Prefix) || !strings.EqualFold(key[:len(b.Prefix)], b.Prefix) {
		return "", false
	}
	return strings.ToLower(key[len(b.Prefix):]), true
}

// Set sets the attribute name of ec from the value that stands in metadata.
func (b Binding) Set(ec *event.EventContextV1, name, value string) error {
	if name == "datacontenttype" {
		return fmt.Errorf("the content type belongs into %s", contentTypeKey)
	}
	return Set(ec, name, b.Unescape(value))
}

// Escape returns the text of metadata for the value of an attribute.
func (b Binding) Escape(value string) string {
	if !b.Percent {
		return value
	}
	var out strings.Builder
	for i := range len(value) {
		if c := value[i]; c > 0x20 && c < 0x7f && c != '"' && c != '%' {
			out.WriteByte(c)
		} else {
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	return out.String()
}

// Unescape undoes Escape, once. It undoes the quotes that HTTP allows around a
// value as well. A percent sign without two digits stays: only who does not
// encode writes one. What it returns need not be UTF-8.
func (b Binding) Unescape(value string) string {
	if !b.Percent {
		return value
	}
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		value = unquote(value[1 : len(value)-1])
	}
	if strings.IndexByte(value, '%') < 0 {
		return value
	}
	out := make([]byte, 0, len(value))
	for i := 0; i < len(value); i++ {
		if value[i] == '%' && i+2 < len(value) {
			high, ok1 := fromHex(value[i+1])
			low, ok2 := fromHex(value[i+2])
			if ok1 && ok2 {
				out = append(out, high<<4|low)
				i += 2
				continue
			}
		}
		out = append(out, value[i])
	}
	return string(out)
}

// unquote removes the backslashes of a quoted string of HTTP.
func unquote(value string) string {
	if strings.IndexByte(value, '\\') < 0 {
		return value
	}
	var out strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] == '\\' && i+1 < len(value) {
			i++
		}
		out.WriteByte(value[i])
	}
	return out.String()
}

func fromHex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
