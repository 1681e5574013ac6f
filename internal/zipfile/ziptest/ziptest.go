// Package ziptest writes ZIP files for tests, byte by byte: also such as no writer makes, in which
// one part contradicts another.
package ziptest

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
)

// Compressions that Bytes can do by itself.
const (
	Store   = 0
	Deflate = 8
)

// Flags of an entry.
const (
	Encrypted = 0x1
	UTF8      = 0x800
)

// Entry is a file to write.
type Entry struct {
	Name    string
	Content []byte
	Method  uint16
	Flags   uint16
	// Packed, where not nil, is written instead of the content.
	Packed []byte
	// Descriptor is the length of the data descriptor: 0, or 12, 16, 20 or 24.
	Descriptor int
	// Large has the sizes in extra fields for large files.
	Large bool
	// Attributes are the external ones.
	Attributes uint32
	// Extra and LocalExtra are further extra fields in the directory and before the content.
	Extra, LocalExtra []byte
	// Change, where not nil, is called with the header before the content and with the record of
	// the directory, and returns what is written.
	Change func(local, central []byte) (newLocal, newCentral []byte)
	// Between is written behind the entry.
	Between []byte
}

// File is a ZIP file to write.
type File struct {
	Entries []Entry
	Comment string
	// Before is written before the first entry.
	Before []byte
	// Large writes the end for large files too, and Saturated has the plain end refer to it.
	Large, Saturated bool
	// Change, where not nil, is called with the end of the file, from that for large files on, and
	// returns what is written.
	Change func(end []byte) []byte
}

// Files returns entries with names and contents in turns.
func Files(method uint16, namesAndContents ...string) (entries []Entry) {
	for i := 0; i < len(namesAndContents); i += 2 {
		entries = append(entries, Entry{
			Name: namesAndContents[i], Content: []byte(namesAndContents[i+1]), Method: method,
		})
	}
	return entries
}

// Bytes returns the ZIP file.
func (f *File) Bytes() []byte {
	out := bytes.Clone(f.Before)
	var directory []byte
	for i := range f.Entries {
		local, central, rest := f.Entries[i].write(len(out))
		out = append(append(out, local...), rest...)
		directory = append(directory, central...)
	}
	start := len(out)
	return append(append(out, directory...), f.end(start, len(directory))...)
}

func (e *Entry) write(at int) (local, central, rest []byte) {
	packed := e.Packed
	if packed == nil {
		packed = e.Content
		if e.Method == Deflate {
			packed = Deflated(e.Content)
		}
	}
	flags := e.Flags
	crc, size := crc32.ChecksumIEEE(e.Content), uint64(len(e.Content))
	if e.Descriptor > 0 {
		flags |= 8
	}
	le := binary.LittleEndian
	header := func(p []byte, crc uint32, packed, size uint64) []byte {
		p = le.AppendUint16(p, 45)
		p = le.AppendUint16(p, flags)
		p = le.AppendUint16(p, e.Method)
		p = le.AppendUint32(p, 0x00210000) // 1 January 1980
		p = le.AppendUint32(p, crc)
		if e.Large {
			p = le.AppendUint64(p, 1<<64-1)
		} else {
			p = le.AppendUint32(le.AppendUint32(p, uint32(packed)), uint32(size))
		}
		return le.AppendUint16(p, uint16(len(e.Name)))
	}
	extra := func(p []byte, packed, size uint64) []byte {
		if e.Large {
			p = append(p, 1, 0, 16, 0)
			p = le.AppendUint64(le.AppendUint64(p, size), packed)
		}
		return p
	}
	localPacked, localSize, localCRC := uint64(len(packed)), size, crc
	if e.Descriptor > 0 {
		localPacked, localSize, localCRC = 0, 0, 0
	}
	more := append(extra(nil, localPacked, localSize), e.LocalExtra...)
	local = header([]byte("PK\x03\x04"), localCRC, localPacked, localSize)
	local = append(append(le.AppendUint16(local, uint16(len(more))), e.Name...), more...)

	more = append(extra(nil, uint64(len(packed)), size), e.Extra...)
	central = header([]byte("PK\x01\x02\x1e\x03"), crc, uint64(len(packed)), size)
	central = le.AppendUint16(central, uint16(len(more)))
	central = append(central, make([]byte, 6)...) // comment, disk, internal attributes
	central = le.AppendUint32(le.AppendUint32(central, e.Attributes), uint32(at))
	central = append(append(central, e.Name...), more...)
	if e.Change != nil {
		local, central = e.Change(local, central)
	}
	rest = bytes.Clone(packed)
	if e.Descriptor == 16 || e.Descriptor == 24 {
		rest = append(rest, "PK\x07\x08"...)
	}
	switch e.Descriptor {
	case 12, 16:
		rest = le.AppendUint32(rest, crc)
		rest = le.AppendUint32(le.AppendUint32(rest, uint32(len(packed))), uint32(size))
	case 20, 24:
		rest = le.AppendUint32(rest, crc)
		rest = le.AppendUint64(le.AppendUint64(rest, uint64(len(packed))), size)
	}
	return local, central, append(rest, e.Between...)
}

func (f *File) end(start, size int) []byte {
	le := binary.LittleEndian
	count := len(f.Entries)
	var p []byte
	if f.Large {
		p = append(p, "PK\x06\x06"...)
		p = le.AppendUint64(p, 44)
		p = append(p, 45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		p = le.AppendUint64(le.AppendUint64(p, uint64(count)), uint64(count))
		p = le.AppendUint64(le.AppendUint64(p, uint64(size)), uint64(start))
		p = append(p, "PK\x06\x07\x00\x00\x00\x00"...)
		p = le.AppendUint32(le.AppendUint64(p, uint64(start+size)), 1)
	}
	p = append(p, "PK\x05\x06\x00\x00\x00\x00"...)
	if f.Saturated {
		p = append(p, bytes.Repeat([]byte{0xff}, 12)...)
	} else {
		p = le.AppendUint16(le.AppendUint16(p, uint16(count)), uint16(count))
		p = le.AppendUint32(le.AppendUint32(p, uint32(size)), uint32(start))
	}
	p = append(le.AppendUint16(p, uint16(len(f.Comment))), f.Comment...)
	if f.Change != nil {
		p = f.Change(p)
	}
	return p
}

// Deflated compresses a text.
func Deflated(text []byte) []byte {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.DefaultCompression)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err) // a buffer takes everything
	}
	return out.Bytes()
}
