package pipeline

import (
	"encoding/binary"
	"image"
	"image/color"
	"testing"

	"github.com/eventfx/eventfx-go/examples/imagepipeline/samples"
)

// orientations is the tag as EXIF 2.32 (4.6.4 A) defines it: the side of the
// shown picture at which the first stored row and the first stored column are.
var orientations = []struct {
	value       uint16
	row, column string
}{
	{1, "top", "left"},
	{2, "top", "right"},
	{3, "bottom", "right"},
	{4, "bottom", "left"},
	{5, "left", "top"},
	{6, "right", "top"},
	{7, "right", "bottom"},
	{8, "left", "bottom"},
}

// shownAt returns where the stored pixel in a row and column is shown, by the
// words of the table alone.
func shownAt(rowSide, columnSide string, row, column, rows, columns int) image.Point {
	var p image.Point
	place := func(side string, distance, size int) {
		switch side {
		case "left":
			p.X = distance
		case "right":
			p.X = size - 1 - distance
		case "top":
			p.Y = distance
		case "bottom":
			p.Y = size - 1 - distance
		}
	}
	place(rowSide, row, rows)
	place(columnSide, column, columns)
	return p
}

func TestApply(t *testing.T) {
	const rows, columns = 2, 3
	in := image.NewNRGBA(image.Rect(0, 0, columns, rows))
	for row := range rows {
		for column := range columns {
			in.SetNRGBA(column, row, color.NRGBA{uint8(row), uint8(column), 7, 255})
		}
	}
	for _, o := range orientations {
		out := orientation(o.value).apply(in)
		for row := range rows {
			for column := range columns {
				at := shownAt(o.row, o.column, row, column, rows, columns)
				if got, want := out.NRGBAAt(at.X, at.Y), in.NRGBAAt(column, row); got != want {
					t.Errorf("orientation %d: %v is %v, want %v", o.value, at, got, want)
				}
			}
		}
	}
}

// TestOrientedFiles goes through whole JPEG files: each shows its four corners
// where the table says.
func TestOrientedFiles(t *testing.T) {
	const rows, columns = 64, 96
	colours := [2][2]color.NRGBA{
		{{200, 30, 30, 255}, {30, 160, 30, 255}},
		{{30, 30, 200, 255}, {240, 240, 240, 255}},
	}
	in := image.NewNRGBA(image.Rect(0, 0, columns, rows))
	for row := range rows {
		for column := range columns {
			in.SetNRGBA(column, row, colours[row*2/rows][column*2/columns])
		}
	}
	file := encodeJPEG(t, in)
	for _, o := range orientations {
		want := Size{columns, rows}
		if o.row == "left" || o.row == "right" {
			want = Size{rows, columns}
		}
		thumb, m := mustThumbnail(t, samples.WithOrientation(file, o.value), box)
		if thumb.Of != want || thumb.Size != want {
			t.Errorf("orientation %d: of %v at %v, want %v", o.value, thumb.Of, thumb.Size, want)
		}
		for _, row := range []int{8, rows - 8} {
			for _, column := range []int{8, columns - 8} {
				at := shownAt(o.row, o.column, row, column, rows, columns)
				wantColour(t, m, at.X, at.Y, colours[row*2/rows][column*2/columns], 4)
			}
		}
	}
}

// tiff returns a TIFF structure with one directory of the given entries.
func tiff(order binary.AppendByteOrder, entries ...[]byte) []byte {
	mark := "MM"
	if order == binary.AppendByteOrder(binary.LittleEndian) {
		mark = "II"
	}
	out := order.AppendUint16([]byte(mark), 42)
	out = order.AppendUint32(out, 10) // not right behind the header
	out = append(out, 0, 0)
	out = order.AppendUint16(out, uint16(len(entries)))
	for _, e := range entries {
		out = append(out, e...)
	}
	return order.AppendUint32(out, 0)
}

func entry(order binary.AppendByteOrder, tag, kind uint16, count uint32, value uint16) []byte {
	out := order.AppendUint16(nil, tag)
	out = order.AppendUint16(out, kind)
	out = order.AppendUint32(out, count)
	out = order.AppendUint16(out, value)
	return append(out, 0, 0)
}

func TestOrientationTag(t *testing.T) {
	big, little := binary.AppendByteOrder(binary.BigEndian), binary.AppendByteOrder(binary.LittleEndian)
	model := entry(big, 0x0110, 2, 1, 'x')
	for _, c := range []struct {
		reason string
		tiff   []byte
		want   orientation
	}{
		{"big-endian", tiff(big, entry(big, 0x0112, 3, 1, 6)), 6},
		{"little-endian", tiff(little, entry(little, 0x0112, 3, 1, 8)), 8},
		{"behind another entry", tiff(big, model, entry(big, 0x0112, 3, 1, 3)), 3},
		{"no such entry", tiff(big, model), upright},
		{"no entry", tiff(big), upright},
		{"0 is no orientation", tiff(big, entry(big, 0x0112, 3, 1, 0)), upright},
		{"9 is none either", tiff(big, entry(big, 0x0112, 3, 1, 9)), upright},
		{"not a SHORT", tiff(big, entry(big, 0x0112, 4, 1, 6)), upright},
		{"two of them", tiff(big, entry(big, 0x0112, 3, 2, 6)), upright},
		{"the directory ends early", tiff(big, entry(big, 0x0112, 3, 1, 6))[:20], upright},
		{"the directory is elsewhere", []byte("MM\x00*\xff\xff\xff\xff"), upright},
		{"the byte order is neither", []byte("XX\x00*\x00\x00\x00\x08\x00\x00"), upright},
		{"nothing", nil, upright},
	} {
		if got := tiffOrientation(c.tiff); got != c.want {
			t.Errorf("%s: got %d, want %d", c.reason, got, c.want)
		}
	}
}

func TestEXIFSegment(t *testing.T) {
	want := tiff(binary.BigEndian, entry(binary.BigEndian, 0x0112, 3, 1, 6))
	exif := "Exif\x00\x00" + string(want)
	segment := func(marker byte, data string) string {
		length := len(data) + 2
		return string([]byte{0xff, marker, byte(length >> 8), byte(length)}) + data
	}
	for _, c := range []struct {
		reason, file string
		want         orientation
	}{
		{"first", "\xff\xd8" + segment(0xe1, exif), 6},
		{"behind JFIF", "\xff\xd8" + segment(0xe0, "JFIF\x00") + segment(0xe1, exif), 6},
		{"behind another APP1, such as XMP", "\xff\xd8" + segment(0xe1, "http://ns.adobe.com/xap/1.0/\x00") + segment(0xe1, exif), 6},
		{"with fill bytes", "\xff\xd8\xff\xff" + segment(0xe1, exif), 6},
		{"in another segment", "\xff\xd8" + segment(0xe2, exif), upright},
		{"behind the start of the scan", "\xff\xd8" + segment(0xda, "") + segment(0xe1, exif), upright},
		{"longer than the file", "\xff\xd8\xff\xe1\xff\xff" + exif, upright},
		{"shorter than its length", "\xff\xd8\xff\xe1\x00\x00" + exif, upright},
		{"no marker", "\xff\xd8" + exif, upright},
		{"only a start", "\xff\xd8", upright},
		{"nothing", "", upright},
	} {
		if got := orientationOf([]byte(c.file), "jpeg"); got != c.want {
			t.Errorf("%s: got %d, want %d", c.reason, got, c.want)
		}
	}

	png := samples.Deep()
	if got := orientationOf(png, "png"); got != upright {
		t.Errorf("a PNG without the tag: got %d", got)
	}
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(want)))
	chunk = append(append(chunk, "eXIf"...), want...)
	chunk = append(chunk, 0, 0, 0, 0) // the checksum is not looked at
	for _, at := range []int{33, len(png) - 12} {
		file := append(append(append([]byte{}, png[:at]...), chunk...), png[at:]...)
		if got := orientationOf(file, "png"); got != 6 {
			t.Errorf("a PNG with the tag at %d: got %d, want 6", at, got)
		}
	}
}

// FuzzOrientation: whatever the bytes, an answer that can be applied.
func FuzzOrientation(f *testing.F) {
	f.Add(samples.Turned()[:200])
	f.Add(samples.Progressive()[:200])
	f.Add(samples.Deep())
	f.Add(append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x1ceXIf"), tiff(binary.BigEndian, entry(binary.BigEndian, 0x0112, 3, 1, 6))...))
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, format := range []string{"jpeg", "png"} {
			if o := orientationOf(file, format); o < 1 || o > 8 {
				t.Errorf("%s: orientation %d", format, o)
			}
		}
	})
}
