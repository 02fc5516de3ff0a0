package jsonscan

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// Unescape appends to dst the text that raw, a string as returned by
// Scanner.String, stands for. The text is never longer than raw, so dst may be
// raw[:0]. A surrogate without its other half becomes U+FFFD, as in
// encoding/json.
func Unescape(dst, raw []byte) []byte {
	for {
		// What stands between two escapes is often short.
		i := 0
		for i < len(raw) && i < 8 && raw[i] != '\\' {
			i++
		}
		if i == 8 {
			if j := bytes.IndexByte(raw[i:], '\\'); j >= 0 {
				i += j
			} else {
				i = len(raw)
			}
		}
		if i+1 >= len(raw) {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:i]...)
		c := unescaped[raw[i+1]]
		raw = raw[i+2:]
		if c != 'u' {
			dst = append(dst, c)
			continue
		}
		r := hex4(raw)
		if r < 0 {
			continue // not a string of a Scanner
		}
		raw = raw[4:]
		if utf16.IsSurrogate(r) {
			low := rune(-1)
			if len(raw) >= 6 && raw[0] == '\\' && raw[1] == 'u' {
				low = hex4(raw[2:])
			}
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				raw = raw[6:]
			}
		}
		dst = utf8.AppendRune(dst, r)
	}
}

// unescaped are the bytes that an escape of two characters stands for, by the
// second; u begins a longer one.
var unescaped = [256]byte{
	'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'u': 'u',
}
