package portable

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What gocloud's drivers for AWS write for characters that S3, SQS and SNS do
// not take: "__0x", the hexadecimal digits of the code point, "__". A bucket
// and a queue must hold here what they would hold there, for functions see it.

// hexEscape escapes the runes of s for which escape reports true; it is given
// what is before the rune. What looks like an escape is escaped as well, so
// that two strings never become one.
func hexEscape(s string, escape func(before string, r rune) bool) string {
	var b strings.Builder
	for i, r := range s {
		if _, n := hexSequence(s[i:]); n > 0 || escape(s[:i], r) {
			fmt.Fprintf(&b, "__%#x__", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// hexUnescape takes hexEscape back.
func hexUnescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		if r, n := hexSequence(s[i:]); n > 0 {
			b.WriteRune(r)
			i += n
			continue
		}
		_, n := utf8.DecodeRuneInString(s[i:])
		b.WriteString(s[i : i+n])
		i += n
	}
	return b.String()
}

// hexSequence returns the rune of the escape with which s begins, and the
// length of the escape, or 0 if there is none.
func hexSequence(s string) (rune, int) {
	rest, ok := strings.CutPrefix(s, "__0x")
	if !ok {
		return 0, 0
	}
	digits, _, ok := strings.Cut(rest, "_")
	if !ok || !strings.HasPrefix(rest[len(digits):], "__") {
		return 0, 0
	}
	r, err := strconv.ParseInt(digits, 16, 32)
	if err != nil {
		return 0, 0
	}
	return rune(r), len("__0x") + len(digits) + len("__")
}

// pathUnescape takes url.PathEscape back; text that nobody escaped stays.
func pathUnescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}

// objectKey returns the key under which gocloud's driver for S3 keeps key.
func objectKey(key string) string {
	return hexEscape(key, func(before string, r rune) bool {
		return r < ' ' || r == '/' && strings.HasSuffix(before, "..")
	})
}

// escapeMetadata returns user metadata as S3 has it in its headers.
func escapeMetadata(metadata map[string]string) map[string]string {
	escaped := make(map[string]string, len(metadata))
	for name, v := range metadata {
		name = hexEscape(url.PathEscape(name), func(_ string, r rune) bool {
			return r == '@' || r == ':' || r == '='
		})
		escaped[name] = url.PathEscape(v)
	}
	return escaped
}

func unescapeMetadata(metadata map[string]string) map[string]string {
	unescaped := make(map[string]string, len(metadata))
	for name, v := range metadata {
		unescaped[hexUnescape(pathUnescape(name))] = pathUnescape(v)
	}
	return unescaped
}

// attributeName returns the name of the message attribute that carries the
// metadata with this name: SQS and SNS take letters and digits of ASCII, '_',
// '-', and '.' inside.
func attributeName(name string) string {
	return hexEscape(name, func(before string, r rune) bool {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '_', r == '-':
			return false
		case r == '.':
			return before == "" || strings.HasSuffix(before, ".")
		}
		return true
	})
}
