package memcloud

import (
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
)

// Ids are not drawn from a stream of random numbers but computed from the
// seed, their kind and their number, so that one more of a kind moves no
// other.

// number returns the next number of a kind, from 1.
func (c *Cloud) number(kind string) int {
	c.numbers[kind]++
	return c.numbers[kind]
}

// hash returns 64 bits for the n-th thing of a kind.
func (c *Cloud) hash(kind string, n int) uint64 {
	h := fnv.New64a()
	h.Write([]byte(kind))
	x := h.Sum64() ^ c.seed*0x9E3779B97F4A7C15 ^ uint64(n)*0xD1B54A32D192ED03
	// The finaliser of SplitMix64: neighbours come out far from each other.
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

// uuid returns the id of the n-th thing of a kind. It ends in n, so that a
// reader of the handler's log finds the message m-n in the timeline.
func (c *Cloud) uuid(kind string, n int) string {
	x := c.hash(kind, n)
	id := []byte("00000000-0000-4000-8000-000000000000")
	hexTo(id[:8], x>>32)
	hexTo(id[9:13], x>>16)
	hexTo(id[15:18], x>>4)
	hexTo(id[20:23], x)
	for i := len(id) - 1; n > 0 && id[i] != '-'; i-- {
		id[i] = byte('0' + n%10)
		n /= 10
	}
	return string(id)
}

// hexTo writes the lowest digits of x that fit.
func hexTo(to []byte, x uint64) {
	for i := len(to) - 1; i >= 0; i-- {
		to[i] = "0123456789abcdef"[x&0xf]
		x >>= 4
	}
}

// opaque returns a token without a meaning to its reader.
func (c *Cloud) opaque(kind string, n, m int) string {
	var b [32]byte
	x := c.hash(kind, n)
	binary.BigEndian.PutUint64(b[:], x)
	binary.BigEndian.PutUint64(b[8:], uint64(n))
	binary.BigEndian.PutUint64(b[16:], uint64(m))
	binary.BigEndian.PutUint64(b[24:], x*0xD1B54A32D192ED03+uint64(m))
	return base64.StdEncoding.EncodeToString(b[:])
}
