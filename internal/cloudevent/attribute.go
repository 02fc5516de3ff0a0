package cloudevent

import (
	"mime"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
)

// Set sets the attribute name of ec from its text, as binary modes carry it.
// An extension becomes a string: the text does not tell its type. The version
// is checked and not kept. Setting an attribute twice is an error.
func Set(ec *event.EventContextV1, name, value string) error {
	if err := checkText(name, value); err != nil {
		return err
	}
	if present(ec, name) {
		return invalid(name, "there twice")
	}
	switch name {
	case "specversion":
		if value != event.CloudEventsVersionV1 {
			return invalid(name, "%q, want 1.0", value)
		}
	case "id":
		ec.ID = value
	case "type":
		ec.Type = value
	case "subject":
		ec.Subject = &value
	case "datacontenttype":
		if err := checkContentType(value); err != nil {
			return err
		}
		ec.DataContentType = &value
	case "source":
		u, err := parseURIReference(name, value)
		if err != nil {
			return err
		}
		ec.Source = types.URIRef{URL: *u}
	case "dataschema":
		u, err := parseURIReference(name, value)
		if err != nil {
			return err
		}
		if !u.IsAbs() {
			return invalid(name, "not an absolute URI: %q", value)
		}
		ec.DataSchema = &types.URI{URL: *u}
	case "time":
		t, ok := parseTime(value)
		if !ok {
			return invalid(name, "not RFC 3339 with an offset: %q", value)
		}
		ec.Time = &types.Timestamp{Time: t}
	default:
		return setExtension(ec, name, value)
	}
	return nil
}

// present reports whether ec has the attribute. It does not know the version,
// which every event of its type has.
func present(ec *event.EventContextV1, name string) bool {
	switch name {
	case "specversion":
		return false
	case "id":
		return ec.ID != ""
	case "type":
		return ec.Type != ""
	case "source":
		return ec.Source != types.URIRef{}
	case "subject":
		return ec.Subject != nil
	case "datacontenttype":
		return ec.DataContentType != nil
	case "dataschema":
		return ec.DataSchema != nil
	case "time":
		return ec.Time != nil
	}
	_, ok := ec.Extensions[name]
	return ok
}

// reserved reports whether no extension can have the name.
func reserved(name string) bool {
	switch name {
	case "specversion", "id", "type", "source", "subject", "datacontenttype", "dataschema", "time", "data":
		return true
	}
	return false
}

func setExtension(ec *event.EventContextV1, name string, value any) error {
	if err := checkName(name); err != nil {
		return err
	}
	if reserved(name) {
		return invalid(name, "an extension cannot have this name")
	}
	if present(ec, name) {
		return invalid(name, "there twice")
	}
	if ec.Extensions == nil {
		ec.Extensions = make(map[string]any)
	}
	ec.Extensions[name] = value
	return nil
}

func checkName(name string) error {
	if name == "" {
		return invalid(`""`, "a name has at least one character")
	}
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return invalid(name, "a name has only a-z and 0-9")
		}
	}
	return nil
}

// checkText returns an error unless value is a String of CloudEvents with at
// least one character.
func checkText(name, value string) error {
	if value == "" {
		return invalid(name, "empty")
	}
	for i, r := range value {
		switch {
		case r < 0x20, 0x7f <= r && r <= 0x9f:
			return invalid(name, "control character U+%04X", r)
		case 0xfdd0 <= r && r <= 0xfdef, r&0xfffe == 0xfffe:
			return invalid(name, "noncharacter U+%04X", r)
		case r == utf8.RuneError && !strings.HasPrefix(value[i:], "\uFFFD"):
			return invalid(name, "not UTF-8")
		}
	}
	return nil
}

// parseTime reads RFC 3339, small t and z included. It makes up for what
// package time lets pass: an hour of one digit, a comma before the fraction,
// and an offset of more than a day.
func parseTime(value string) (time.Time, bool) {
	value = strings.ToUpper(value)
	t, err := time.Parse(time.RFC3339, value)
	if err != nil || value[len("2006-01-02T15")] != ':' || strings.Contains(value, ",") {
		return time.Time{}, false
	}
	if zone := value[len(value)-len("07:00"):]; value[len(value)-1] != 'Z' && (zone[:2] > "23" || zone[3:] > "59") {
		return time.Time{}, false
	}
	return t, true
}

func parseURIReference(name, value string) (*url.URL, error) {
	if err := checkURIReference(name, value); err != nil {
		return nil, err
	}
	u, err := url.Parse(value)
	if err != nil {
		return nil, invalid(name, "not a URI reference: %q", value)
	}
	return u, nil
}

// checkURIReference returns an error for characters that no URI has. The form
// is left to url.Parse, which lets many of them pass.
func checkURIReference(name, value string) error {
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("-._~:/?#[]@!$&'()*+,;=", c) >= 0:
		case c == '%' && i+2 < len(value) && isHex(value[i+1]) && isHex(value[i+2]):
			i += 2
		default:
			return invalid(name, "not a URI: %q: percent-encode what stands at offset %d", value, i)
		}
	}
	return nil
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func checkContentType(value string) error {
	if value == event.ApplicationJSON {
		return nil
	}
	media, _, err := mime.ParseMediaType(value)
	if err != nil || !strings.Contains(media, "/") {
		return invalid("datacontenttype", "not a media type: %q", value)
	}
	return nil
}
