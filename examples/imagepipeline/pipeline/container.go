package pipeline

import (
	"bytes"
	"encoding/binary"
	"iter"
)

// The markers of a JPEG file that matter here.
const (
	jpegAPP1        = 0xe1
	jpegStartOfScan = 0xda
)

// jpegSegments iterates over the segments of a JPEG file by marker, as far as
// they are whole. The last is the start of the scan, and has what follows it in
// the file.
func jpegSegments(file []byte) iter.Seq2[byte, []byte] {
	return func(yield func(byte, []byte) bool) {
		rest, ok := bytes.CutPrefix(file, []byte{0xff, 0xd8})
		for ok && len(rest) >= 4 && rest[0] == 0xff {
			marker := rest[1]
			if marker == 0xff { // a fill byte
				rest = rest[1:]
				continue
			}
			if marker == jpegStartOfScan {
				yield(marker, rest[2:])
				return
			}
			length := int(binary.BigEndian.Uint16(rest[2:])) // counts itself
			if length < 2 || 2+length > len(rest) || !yield(marker, rest[4:2+length]) {
				return
			}
			rest = rest[2+length:]
		}
	}
}

// pngChunks iterates over the chunks of a PNG file by type, as far as they are
// whole.
func pngChunks(file []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		rest, ok := bytes.CutPrefix(file, []byte("\x89PNG\r\n\x1a\n"))
		for ok && len(rest) >= 12 { // length, type, checksum
			length := uint64(binary.BigEndian.Uint32(rest))
			if length+12 > uint64(len(rest)) || !yield(string(rest[4:8]), rest[8:8+length]) {
				return
			}
			rest = rest[12+length:]
		}
	}
}

// endsEarly reports whether the file of a picture stops before its end mark.
// The decoders say so only of some files; of others they say that the data is
// invalid, which it is not.
func endsEarly(file []byte, format string) bool {
	switch format {
	case "jpeg":
		for marker, data := range jpegSegments(file) {
			if marker == jpegStartOfScan {
				// Within the compressed data 0xff is followed by 0 or by a
				// restart mark, so the end mark cannot be mistaken.
				return !bytes.Contains(data, []byte{0xff, 0xd9})
			}
		}
	case "png":
		for kind := range pngChunks(file) {
			if kind == "IEND" {
				return false
			}
		}
	}
	return true
}
