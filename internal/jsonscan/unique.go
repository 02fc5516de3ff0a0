package jsonscan

import "bytes"

// Unique reports whether data is one JSON document in which no object, at any
// depth, has a key twice. Parsers disagree about which of two equal keys
// counts, so text with such an object has no agreed meaning.
//
// If the document is an object, classes is what class returns for its own
// keys, put together by or. The function may be nil, and must not keep a key.
func Unique(data []byte, class func(key []byte) uint32) (classes uint32, unique bool) {
	u := uniques{s: New(data), class: class}
	unique = u.value() && u.s.End() == nil
	return u.classes, unique
}

// uniques keeps the keys of the objects that are open, the innermost last. An
// object for which there is no room, or that has many keys, gets a map: the
// time stays linear in the length of the document.
type uniques struct {
	s    Scanner
	keys [48][]byte
	n    int

	class   func([]byte) uint32
	classes uint32
}

const manyKeys = 24

func (u *uniques) value() bool {
	switch u.s.Kind() {
	case '{':
		return u.object()
	case '[':
		u.class = nil
		for more := u.s.Array() && u.s.Elem(); more; more = u.s.Elem() {
			if !u.value() {
				return false
			}
		}
		return u.s.err == nil
	}
	return u.s.Skip() != nil
}

func (u *uniques) object() bool {
	base := u.n
	class := u.class // only the outermost object has it
	u.class = nil
	var seen uint64 // a bit per key's hash: an unset bit proves a new key
	var many map[string]bool
	u.s.Object()
	for key, escaped, ok := u.s.RawKey(); ok; key, escaped, ok = u.s.RawKey() {
		if escaped {
			key = Unescape(nil, key)
		}
		if class != nil {
			u.classes |= class(key)
		}
		if many == nil && (u.n == len(u.keys) || u.n-base == manyKeys) {
			many = make(map[string]bool)
			for _, k := range u.keys[base:u.n] {
				many[string(k)] = true
			}
		}
		if many != nil {
			if many[string(key)] {
				return false
			}
			many[string(key)] = true
		} else {
			bit := uint64(1) << (hash(key) & 63)
			if seen&bit != 0 && contains(u.keys[base:u.n], key) {
				return false
			}
			seen |= bit
			u.keys[u.n] = key
			u.n++
		}
		if !u.value() {
			return false
		}
	}
	u.n = base
	return u.s.err == nil
}

func contains(keys [][]byte, key []byte) bool {
	for _, k := range keys {
		if bytes.Equal(k, key) {
			return true
		}
	}
	return false
}

// hash spreads the short keys that real documents have.
func hash(key []byte) uint64 {
	h := uint64(len(key))
	for _, c := range key[:min(len(key), 12)] {
		h = h*31 + uint64(c)
	}
	return h ^ h>>7
}
