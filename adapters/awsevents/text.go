package awsevents

import (
	"bytes"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/types"

	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// A text is a JSON string that was read but not yet needed.
type text struct {
	raw     []byte // between the quotes
	escaped bool
	ok      bool // there is one
	at      int  // offset of raw in its document, for members of records
}

// textOf returns the text of a raw JSON value, if that is a string.
func textOf(raw []byte) text {
	if len(raw) < 2 || raw[0] != '"' {
		return text{}
	}
	raw = raw[1 : len(raw)-1]
	return text{raw: raw, escaped: bytes.IndexByte(raw, '\\') >= 0, ok: true}
}

// String returns a copy of the text.
func (t text) String() string {
	if t.escaped {
		return string(jsonscan.Unescape(nil, t.raw))
	}
	return string(t.raw)
}

// is compares without a copy.
func (t text) is(s string) bool {
	if t.escaped {
		return t.String() == s
	}
	return t.ok && string(t.raw) == s
}

func (t text) span() span { return span{uint32(t.at), uint32(t.at + len(t.raw))} }

// empty reports whether there is no text, or one without a character.
func (t text) empty() bool { return len(t.raw) == 0 }

// attributeText reports whether s can be a string attribute of a CloudEvent:
// some characters, none that is a control or no character at all, and not only
// spaces, which the SDK takes for no characters.
func attributeText(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c >= 0x7f {
			return !blank(s) && strings.IndexFunc(s, forbidden) < 0
		}
	}
	return !blank(s)
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }

func forbidden(r rune) bool {
	return r < 0x20 || 0x7f <= r && r <= 0x9f || 0xfdd0 <= r && r <= 0xfdef || r&0xfffe == 0xfffe
}

// clean percent-encodes what a string attribute must not hold.
func clean(s string) string {
	if s == "" || attributeText(s) {
		return s
	}
	var b []byte
	encodeAll := blank(s)
	for _, r := range s {
		if !forbidden(r) && !encodeAll {
			b = utf8.AppendRune(b, r)
			continue
		}
		var bytes [utf8.UTFMax]byte
		for _, c := range bytes[:utf8.EncodeRune(bytes[:], r)] {
			b = append(b, '%', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15])
		}
	}
	return string(b)
}

// appendString appends s as a JSON string that is a legal CloudEvents
// attribute, too: what that forbids is escaped. HTML's characters are not.
func appendString(dst, s []byte) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if 0x20 <= c && c < 0x7f && c != '"' && c != '\\' {
			dst = append(dst, c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(s[i:])
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', c)
		case r == '\n':
			dst = append(dst, '\\', 'n')
		case r == '\r':
			dst = append(dst, '\\', 'r')
		case r == '\t':
			dst = append(dst, '\\', 't')
		case r == '\b':
			dst = append(dst, '\\', 'b')
		case r == '\f':
			dst = append(dst, '\\', 'f')
		case forbidden(r), r == 0x2028, r == 0x2029: // the latter as encoding/json
			dst = appendEscape(dst, r)
		default:
			dst = append(dst, s[i:i+n]...)
		}
		i += n
	}
	return append(dst, '"')
}

func appendEscape(dst []byte, r rune) []byte {
	const hex = "0123456789abcdef"
	unit := func(u rune) {
		dst = append(dst, '\\', 'u', hex[u>>12&15], hex[u>>8&15], hex[u>>4&15], hex[u&15])
	}
	if r >= 0x10000 {
		unit(0xd800 + (r-0x10000)>>10)
		unit(0xdc00 + (r-0x10000)&0x3ff)
		return dst
	}
	unit(r)
	return dst
}

// compact returns raw, a JSON value, without space between its tokens.
func compact(raw []byte) string {
	out := make([]byte, 0, len(raw))
	inString := false
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case inString && c == '\\':
			out = append(out, c)
			i++
			c = raw[i]
		case c == '"':
			inString = !inString
		case !inString && (c == ' ' || c == '\t' || c == '\n' || c == '\r'):
			continue
		}
		out = append(out, c)
	}
	return string(out)
}

// uri returns s as a URI reference. What a URI does not hold is
// percent-encoded, and so is the percent sign: equal references mean equal
// strings.
func (o *opener) uri(s string) types.URIRef {
	if u, ok := o.uris[s]; ok {
		return u
	}
	encoded := escapeURI(s, "-._~:/?#[]@!$&'()*+,;=")
	u, err := url.Parse(encoded)
	if err != nil || u.String() != encoded {
		// Such as a colon in what is no scheme, or a scheme in capitals.
		if u, err = url.Parse(escapeURI(s, "-._~")); err != nil {
			u = &url.URL{}
		}
	}
	if o.uris == nil {
		o.uris = make(map[string]types.URIRef)
	}
	o.uris[s] = types.URIRef{URL: *u}
	return types.URIRef{URL: *u}
}

func escapeURI(s, keep string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte(keep, c) >= 0 {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte("0123456789ABCDEF"[c>>4])
			b.WriteByte("0123456789ABCDEF"[c&15])
		}
	}
	return b.String()
}

// lastPart returns what follows the last of the separators in s.
func lastPart(s, separators string) string {
	return s[strings.LastIndexAny(s, separators)+1:]
}

// parseTime reads RFC 3339. A time without a zone, as some S3-compatible
// stores and emulators write it, is UTC.
func parseTime(s string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t, err = time.Parse("2006-01-02T15:04:05.999999999", s)
	}
	return t.UTC(), err == nil && t.Year() > 0 && t.UTC().Year() <= 9999
}
