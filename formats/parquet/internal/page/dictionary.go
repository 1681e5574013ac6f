package page

// Dictionaries (Encodings.md, "Dictionary Encoding"). A dictionary may hold values that only
// removed records have, so it is cut down to the values still in use, and every index in the column
// chunk is renumbered.

import (
	"encoding/binary"

	"noo/formats/parquet/internal/encoding"
	"noo/formats/parquet/internal/meta"
	"noo/formats/parquet/internal/spec"
	"noo/formats/parquet/internal/stats"
)

// Dictionary is the dictionary of a column chunk.
type Dictionary struct {
	Header  Header
	Present bool
	Values  []byte   // PLAIN
	starts  []uint32 // of each value in values, and the end of the last; only for BYTE_ARRAY
	width   int      // of each value otherwise
	Size    int      // number of values
}

// Load copies a dictionary page.
func (d *Dictionary) Load(pg Page, l *meta.Leaf) error {
	if d.Present {
		return spec.Corrupt("it has two dictionaries")
	}
	if pg.Encoding != spec.Plain && pg.Encoding != spec.PlainDictionary {
		return spec.Corrupt("its dictionary is not in PLAIN encoding")
	}
	if l.Kind == spec.Boolean {
		return spec.Unsupported("a dictionary of booleans")
	}
	d.Header, d.Present, d.Size, d.width = pg.Header, true, int(pg.Values), l.Width
	d.Values, d.starts = append(d.Values[:0], pg.Body...), d.starts[:0]
	if l.Kind != spec.ByteArray {
		if len(d.Values)/max(d.width, 1) < d.Size && d.width > 0 {
			return spec.ErrValues
		}
		return nil
	}
	at := 0
	for range d.Size {
		if len(d.Values)-at < 4 {
			return spec.ErrValues
		}
		size := int(binary.LittleEndian.Uint32(d.Values[at:]))
		if size > len(d.Values)-at-4 {
			return spec.ErrValues
		}
		d.starts = append(d.starts, uint32(at))
		at += 4 + size
	}
	d.starts = append(d.starts, uint32(at))
	return nil
}

// Forget makes d empty.
func (d *Dictionary) Forget() { d.Present, d.Size = false, 0 }

// Encoded gives value i in PLAIN encoding.
func (d *Dictionary) Encoded(i uint32) []byte {
	if len(d.starts) > 0 {
		return d.Values[d.starts[i]:d.starts[i+1]]
	}
	return d.Values[int(i)*d.width : (int(i)+1)*d.width]
}

// Indices decodes the indices of a page into dst, one for each value that is there.
func (d *Dictionary) Indices(dst []uint32, pg Page) ([]uint32, error) {
	dst = encoding.Resize(dst, pg.Defined)
	if pg.Defined == 0 {
		return dst, nil
	}
	if !d.Present {
		return dst, spec.Corrupt("a page refers to a dictionary that is not there")
	}
	if len(pg.Body) < 1 || pg.Body[0] > 32 {
		return dst, encoding.ErrHybrid
	}
	if err := encoding.DecodeHybrid(dst, pg.Body[1:], uint(pg.Body[0])); err != nil {
		return dst, err
	}
	if int64(largest(dst)) >= int64(d.Size) {
		return dst, spec.Corrupt("a dictionary index is out of range")
	}
	return dst, nil
}

// Pruned appends to dst the values that are in use, in their old order, shows them to seen, and
// fills renumber with their new places. It returns how many there are.
func (d *Dictionary) Pruned(
	dst []byte,
	used []bool,
	renumber []uint32,
	seen *stats.Bounds,
) ([]byte, int) {
	size := uint32(0)
	for i, inUse := range used {
		if !inUse {
			continue
		}
		value := d.Encoded(uint32(i))
		renumber[i] = size
		size++
		dst = append(dst, value...)
		if len(d.starts) > 0 {
			seen.AddBytes(value[4:])
		} else {
			seen.AddFixed(value)
		}
	}
	return dst, int(size)
}

// largest is the largest of numbers, or 0. Four at a time do not wait for one another.
func largest(numbers []uint32) uint32 {
	var a, b, c, d uint32
	for ; len(numbers) >= 4; numbers = numbers[4:] {
		n := numbers[:4:4]
		a, b, c, d = max(a, n[0]), max(b, n[1]), max(c, n[2]), max(d, n[3])
	}
	for _, n := range numbers {
		a = max(a, n)
	}
	return max(a, b, c, d)
}
