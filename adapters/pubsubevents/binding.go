package pubsubevents

import (
	"fmt"
	"strings"
)

// A binding is how binary mode writes attributes into metadata.
type binding struct {
	prefix  string
	percent bool // values are percent-encoded
}

var (
	httpLike  = binding{prefix: "ce-", percent: true}
	kafkaLike = binding{prefix: "ce_"}
	bindings  = [...]binding{httpLike, kafkaLike}
)

// carries reports whether metadata has the four required attributes. With
// fewer it is the metadata of an ordinary message.
func (b binding) carries(metadata map[string]string) bool {
	for _, name := range [...]string{"specversion", "id", "source", "type"} {
		if _, ok := lookup(metadata, b.prefix+name); !ok {
			return false
		}
	}
	return true
}

// name returns the attribute that a key of metadata stands for.
func (b binding) name(key string) (string, bool) {
	if len(key) <= len(b.prefix) || !strings.EqualFold(key[:len(b.prefix)], b.prefix) {
		return "", false
	}
	return strings.ToLower(key[len(b.prefix):]), true
}

// escape returns the text of metadata for the value of an attribute.
func (b binding) escape(value string) string {
	if !b.percent {
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

// unescape undoes escape, once. It undoes the quotes that HTTP allows around a
// value as well. A percent sign without two digits stays: only who does not
// encode writes one. What it returns need not be UTF-8.
func (b binding) unescape(value string) string {
	if !b.percent {
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
