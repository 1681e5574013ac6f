package parquet

// Dictionaries (Encodings.md, "Dictionary Encoding"). A dictionary may hold values that only removed records have, so it is
// cut down to the values still in use, and every index in the column chunk is renumbered.

import "encoding/binary"

// dictionary is the dictionary of a column chunk.
type dictionary struct {
	header  pageHeader
	present bool
	values  []byte   // PLAIN
	starts  []uint32 // of each value in values, and the end of the last; only for BYTE_ARRAY
	width   int      // of each value otherwise
	size    int      // number of values
}

// load copies a dictionary page.
func (d *dictionary) load(pg page, l *leaf) error {
	if d.present {
		return corrupt("it has two dictionaries")
	}
	if pg.encoding != plain && pg.encoding != plainDictionary {
		return corrupt("its dictionary is not in PLAIN encoding")
	}
	if l.kind == boolean {
		return unsupported("a dictionary of booleans")
	}
	d.header, d.present, d.size, d.width = pg.pageHeader, true, int(pg.values), l.width
	d.values, d.starts = append(d.values[:0], pg.body...), d.starts[:0]
	if l.kind != byteArray {
		if len(d.values)/max(d.width, 1) < d.size && d.width > 0 {
			return errValues
		}
		return nil
	}
	at := 0
	for range d.size {
		if len(d.values)-at < 4 {
			return errValues
		}
		size := int(binary.LittleEndian.Uint32(d.values[at:]))
		if size > len(d.values)-at-4 {
			return errValues
		}
		d.starts = append(d.starts, uint32(at))
		at += 4 + size
	}
	d.starts = append(d.starts, uint32(at))
	return nil
}

// forget makes d empty.
func (d *dictionary) forget() { d.present, d.size = false, 0 }

// encoded gives value i in PLAIN encoding.
func (d *dictionary) encoded(i uint32) []byte {
	if len(d.starts) > 0 {
		return d.values[d.starts[i]:d.starts[i+1]]
	}
	return d.values[int(i)*d.width : (int(i)+1)*d.width]
}

// indices decodes the indices of a page into dst, one for each value that is there.
func (d *dictionary) indices(dst []uint32, pg page) ([]uint32, error) {
	dst = room(dst, pg.defined)
	if pg.defined == 0 {
		return dst, nil
	}
	if !d.present {
		return dst, corrupt("a page refers to a dictionary that is not there")
	}
	if len(pg.body) < 1 || pg.body[0] > 32 {
		return dst, errHybrid
	}
	if err := decodeHybrid(dst, pg.body[1:], uint(pg.body[0])); err != nil {
		return dst, err
	}
	if int64(largest(dst)) >= int64(d.size) {
		return dst, corrupt("a dictionary index is out of range")
	}
	return dst, nil
}

// pruned appends to dst the values that are in use, in their old order, shows them to seen, and fills renumber with their new
// places. It returns how many there are.
func (d *dictionary) pruned(dst []byte, used []bool, renumber []uint32, seen *bounds) ([]byte, int) {
	size := uint32(0)
	for i, inUse := range used {
		if !inUse {
			continue
		}
		value := d.encoded(uint32(i))
		renumber[i] = size
		size++
		dst = append(dst, value...)
		if len(d.starts) > 0 {
			seen.addBytes(value[4:])
		} else {
			seen.addFixed(value)
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
