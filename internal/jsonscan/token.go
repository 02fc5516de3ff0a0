package jsonscan

import (
	"encoding/binary"
	"math/bits"
)

// space moves to the next byte that is not space, and reports whether there
// is one.
func (s *Scanner) space() bool {
	if s.pos < len(s.data) && s.data[s.pos] > ' ' {
		return true
	}
	return s.skipSpace()
}

func (s *Scanner) skipSpace() bool {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return true
		}
	}
	return false
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special returns the number of bytes of b before the first quote, backslash
// or control character, eight bytes at a time. Each test may be wrong about
// the bytes above the first that it finds, and is right about the first.
func special(b []byte) int {
	n := 0
	for len(b) >= 16 {
		if hits(binary.LittleEndian.Uint64(b))|hits(binary.LittleEndian.Uint64(b[8:])) != 0 {
			break
		}
		b = b[16:]
		n += 16
	}
	for len(b) >= 8 {
		if hit := hits(binary.LittleEndian.Uint64(b)); hit != 0 {
			return n + bits.TrailingZeros64(hit)/8
		}
		b = b[8:]
		n += 8
	}
	for i, c := range b {
		if c == '"' || c == '\\' || c < 0x20 {
			return n + i
		}
	}
	return n + len(b)
}

func hits(w uint64) uint64 {
	quote := w ^ ones*'"'
	slash := w ^ ones*'\\'
	return ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*0x20)&^w) & highs
}

// plain are the bytes that mean themselves in a string.
var plain = func() (p [256]bool) {
	for c := range p {
		p[c] = c >= 0x20 && c != '"' && c != '\\'
	}
	return p
}()

// str consumes a string; a quote is at pos.
func (s *Scanner) str() (raw []byte, escaped, ok bool) {
	from := s.pos + 1
	i := from
	for {
		// What stands between two escapes is short, and so are most keys.
		for near := min(i+8, len(s.data)); i < near && plain[s.data[i]]; {
			i++
		}
		if i < len(s.data) && plain[s.data[i]] {
			i += special(s.data[i:])
		}
		if i >= len(s.data) {
			s.pos = len(s.data)
			s.syntax("in a string")
			return nil, false, false
		}
		switch s.data[i] {
		case '"':
			s.pos = i + 1
			return s.data[from:i:i], escaped, true
		case '\\':
			escaped = true
			if i+1 < len(s.data) && s.data[i+1] == '"' {
				i += 2
				continue
			}
			n := escape(s.data[i:])
			if n == 0 {
				s.pos = i
				s.syntax("bad escape in a string")
				return nil, false, false
			}
			i += n
		default:
			s.pos = i
			s.syntax("control character in a string")
			return nil, false, false
		}
	}
}

// escape returns the length of the escape that b begins with, or 0.
func escape(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if hex4(b[2:]) >= 0 {
			return 6
		}
	}
	return 0
}

// hex4 returns the value of the four hex digits that b begins with, or -1.
func hex4(b []byte) rune {
	if len(b) < 4 {
		return -1
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// number consumes a number; a digit or a minus sign is at pos.
func (s *Scanner) number() bool {
	if s.data[s.pos] == '-' {
		s.pos++
	}
	if s.pos < len(s.data) && s.data[s.pos] == '0' {
		s.pos++
	} else if !s.digits() {
		return false
	}
	if s.pos < len(s.data) && s.data[s.pos] == '.' {
		s.pos++
		if !s.digits() {
			return false
		}
	}
	if s.pos < len(s.data) && s.data[s.pos]|0x20 == 'e' {
		s.pos++
		if s.pos < len(s.data) && (s.data[s.pos] == '+' || s.data[s.pos] == '-') {
			s.pos++
		}
		return s.digits()
	}
	return true
}

// digits consumes at least one digit.
func (s *Scanner) digits() bool {
	from := s.pos
	for s.pos < len(s.data) && '0' <= s.data[s.pos] && s.data[s.pos] <= '9' {
		s.pos++
	}
	if s.pos == from {
		s.syntax("want a digit")
		return false
	}
	return true
}

func (s *Scanner) literal(text string) bool {
	for i := range len(text) {
		if s.pos+i >= len(s.data) || s.data[s.pos+i] != text[i] {
			s.pos += i
			s.syntax("want " + text)
			return false
		}
	}
	s.pos += len(text)
	return true
}

// skip consumes the value at pos. Up to 64 levels it keeps the kinds of the
// open containers as bits; deeper it calls itself, so that neither the stack
// nor the heap grows with the nesting that an attacker chooses.
func (s *Scanner) skip() bool {
	var objects uint64 // bit i: the container at level i is an object
	level := 0
	for {
		switch c := s.data[s.pos]; c {
		case '{', '[':
			if level == 64 {
				if !s.skip() {
					return false
				}
				break
			}
			if !s.push() {
				return false
			}
			objects &^= 1 << level
			if c == '{' {
				objects |= 1 << level
			}
			level++
			s.first = true
		case '"':
			if _, _, ok := s.str(); !ok {
				return false
			}
		case 't':
			if !s.literal("true") {
				return false
			}
		case 'f':
			if !s.literal("false") {
				return false
			}
		case 'n':
			if !s.literal("null") {
				return false
			}
		case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
			if !s.number() {
				return false
			}
		default:
			s.syntax("want a value")
			return false
		}
		// Close what ends here, and stop at the next value or at our own end.
		for {
			if level == 0 {
				return true
			}
			var more bool
			if objects>>(level-1)&1 == 1 {
				_, _, more = s.RawKey()
				if more && !s.space() {
					s.syntax("want a value")
				}
			} else {
				more = s.Elem()
			}
			if s.err != nil {
				return false
			}
			if more {
				break
			}
			level--
		}
	}
}
