package pipeline

import (
	"bytes"
	"encoding/binary"
	"image"
)

// An orientation is the EXIF tag of that name: how a camera was held. The
// pixels are stored as the sensor read them, and are shown turned.
type orientation uint16

// upright is the orientation of a picture that is shown as it is stored.
const upright orientation = 1

// orientationOf returns the orientation that the file asks for, and upright
// when it asks for none, or for none that exists.
//
// It is the only thing that is read of EXIF. A library for it would be in the
// requirements of everyone who uses the module that this example is part of,
// for the sake of one tag of two bytes.
func orientationOf(file []byte, format string) orientation {
	switch format {
	case "jpeg":
		for marker, data := range jpegSegments(file) {
			if tiff, ok := bytes.CutPrefix(data, []byte("Exif\x00\x00")); ok && marker == jpegAPP1 {
				return tiffOrientation(tiff)
			}
		}
	case "png":
		for kind, data := range pngChunks(file) { // before or behind the pixels
			if kind == "eXIf" {
				return tiffOrientation(data)
			}
		}
	}
	return upright
}

// tiffOrientation returns the orientation in the first directory of a TIFF
// structure.
func tiffOrientation(tiff []byte) orientation {
	const (
		headerSize = 8
		entrySize  = 12
		tag        = 0x0112
		typeShort  = 3
	)
	if len(tiff) < headerSize {
		return upright
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return upright
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return upright
	}
	entries := order.Uint16(tiff[at:])
	directory := tiff[at+2:]
	for range entries {
		if len(directory) < entrySize {
			return upright
		}
		if order.Uint16(directory) == tag {
			o := orientation(order.Uint16(directory[8:]))
			if order.Uint16(directory[2:]) != typeShort || order.Uint32(directory[4:]) != 1 || o < 1 || o > 8 {
				return upright
			}
			return o
		}
		directory = directory[entrySize:]
	}
	return upright
}

// size returns the size at which a picture of size s is shown. It is its own
// inverse.
func (o orientation) size(s Size) Size {
	if o >= 5 { // the stored rows are shown as columns
		return Size{s.Height, s.Width}
	}
	return s
}

// apply returns the picture as it is shown.
func (o orientation) apply(in *image.NRGBA) *image.NRGBA {
	if o == upright {
		return in
	}
	b := in.Bounds()
	right, bottom := b.Dx()-1, b.Dy()-1
	size := o.size(Size{b.Dx(), b.Dy()})
	out := image.NewNRGBA(image.Rect(0, 0, size.Width, size.Height))
	for y := range size.Height {
		for x := range size.Width {
			u, v := x, y // the stored pixel that is shown at x, y
			switch o {
			case 2: // mirrored left to right
				u, v = right-x, y
			case 3: // turned half round
				u, v = right-x, bottom-y
			case 4: // mirrored top to bottom
				u, v = x, bottom-y
			case 5: // mirrored at the falling diagonal
				u, v = y, x
			case 6: // to be turned a quarter clockwise
				u, v = y, bottom-x
			case 7: // mirrored at the rising diagonal
				u, v = right-y, bottom-x
			case 8: // to be turned a quarter counter-clockwise
				u, v = right-y, x
			}
			copy(out.Pix[out.PixOffset(x, y):][:4], in.Pix[in.PixOffset(u, v):][:4])
		}
	}
	return out
}
