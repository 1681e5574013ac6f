package zipfile

// Where everything in a ZIP file is. archive/zip reads the directory too, but leaves open whether
// the entries overlap, whether something is between them, and whether they say of themselves what
// the directory says of them. All that is checked here. The numbers are those of PKWARE's
// APPNOTE.TXT, version 6.3.10.

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"io"
	"math"
	"slices"
)

// Signatures of the parts of a ZIP file.
const (
	entryMagic      = 0x04034b50
	descriptorMagic = 0x08074b50
	directoryMagic  = 0x02014b50
	endMagic        = 0x06054b50
	end64Magic      = 0x06064b50
	locatorMagic    = 0x07064b50
)

// Sizes in bytes of their fixed parts.
const (
	entrySize     = 30
	directorySize = 46
	endSize       = 22
	end64Size     = 56
	locatorSize   = 20
)

// Extra fields that are read.
const (
	extraZIP64 = 0x0001
	extraName  = 0x7075 // the name once more, in UTF-8
)

// Flags. flagOptions say how hard a compressor tried: they mean nothing to a reader.
const (
	flagEncrypted  = 0x0001
	flagOptions    = 0x0006
	flagDescriptor = 0x0008
	flagStrong     = 0x0040
	flagMasked     = 0x2000
	flagsKnown     = flagEncrypted | flagOptions | flagDescriptor | flagStrong | flagUTF8
)

// Values that say that the true one is in an extra field or record for large files.
const (
	large16 = math.MaxUint16
	large32 = math.MaxUint32
)

func uint16At(p []byte, at int) uint16 { return binary.LittleEndian.Uint16(p[at:]) }
func uint32At(p []byte, at int) uint32 { return binary.LittleEndian.Uint32(p[at:]) }
func uint64At(p []byte, at int) uint64 { return binary.LittleEndian.Uint64(p[at:]) }

// record is what the directory says of an entry.
type record struct {
	name         string
	flags        uint16
	method       uint16
	crc          uint32
	packed, size uint64
	attributes   uint32
	header       uint64 // where the entry is
	content      int64  // where its content is, known when the entry was read
}

// readLayout returns the entries in the order of the directory. The error is an
// *formats.InputError without the name of the file, or what the file system said.
func readLayout(file io.ReaderAt, size int64) ([]record, error) {
	dir, err := findDirectory(file, size)
	if err != nil {
		return nil, err
	}
	text := make([]byte, dir.size)
	if err := readFull(file, text, dir.start); err != nil {
		return nil, err
	}
	found := make([]record, dir.entries)
	for i := range found {
		if text, err = found[i].parse(text); err != nil {
			return nil, refused(i+1, err)
		}
	}
	if len(text) > 0 {
		return nil, refused(0, ErrAmbiguous)
	}
	return found, checkEntries(file, found, dir.start)
}

// readFull fills p with the bytes at a place. The end of the file is a directory that lies.
func readFull(file io.ReaderAt, p []byte, at int64) error {
	n, err := file.ReadAt(p, at)
	switch {
	case n == len(p):
		return nil
	case err == io.EOF:
		return refused(0, ErrDamaged)
	}
	return err
}

// directory is where the directory is.
type directory struct {
	start, size int64
	entries     int
}

// findDirectory reads the end of the file, which says where the directory is.
func findDirectory(file io.ReaderAt, size int64) (directory, error) {
	tail := make([]byte, min(size, end64Size+locatorSize+endSize+large16))
	start := size - int64(len(tail))
	if err := readFull(file, tail, start); err != nil {
		return directory{}, err
	}
	at := bytes.LastIndex(tail, binary.LittleEndian.AppendUint32(nil, endMagic))
	if at < 0 {
		return directory{}, refused(0, ErrDamaged)
	}
	end := tail[at:]
	switch {
	case len(end) < endSize || len(end) < endSize+int(uint16At(end, 20)):
		return directory{}, refused(0, ErrDamaged)
	case len(end) > endSize+int(uint16At(end, 20)):
		return directory{}, refused(0, ErrAmbiguous)
	}
	e := ending{
		disk: uint32(uint16At(end, 4)), directoryDisk: uint32(uint16At(end, 6)),
		here: uint64(uint16At(end, 8)), entries: uint64(uint16At(end, 10)),
		size: uint64(uint32At(end, 12)), start: uint64(uint32At(end, 16)),
	}
	limit := uint64(start) + uint64(at) // where the directory must end
	if before := tail[:at]; len(before) >= locatorSize &&
		uint32At(before, len(before)-locatorSize) == locatorMagic {
		limit -= locatorSize + end64Size
		if len(before) < locatorSize+end64Size {
			return directory{}, refused(0, ErrAmbiguous)
		}
		if err := e.enlarge(before[len(before)-locatorSize-end64Size:], limit); err != nil {
			return directory{}, err
		}
	} else if e.here == large16 || e.entries == large16 || e.size == large32 || e.start == large32 {
		return directory{}, refused(0, ErrAmbiguous)
	}
	switch {
	case e.disk != 0 || e.directoryDisk != 0 || e.here != e.entries:
		return directory{}, refused(0, ErrSpanned)
	case e.entries > MaxEntries || e.size > MaxDirectory:
		return directory{}, refused(0, ErrTooMany)
	case e.start > limit || e.size != limit-e.start || e.entries > e.size/directorySize:
		return directory{}, refused(0, ErrAmbiguous)
	}
	return directory{int64(e.start), int64(e.size), int(e.entries)}, nil
}

// ending is what the end of the file says.
type ending struct {
	disk, directoryDisk        uint32
	here, entries, size, start uint64
}

// enlarge takes over the true values from the end of large files, which must be at a place, and
// from its locator behind it.
func (e *ending) enlarge(p []byte, at uint64) error {
	locator := p[end64Size:]
	switch {
	case uint32At(locator, 16) != 1 || uint32At(locator, 4) != 0:
		return refused(0, ErrSpanned)
	case uint32At(p, 0) != end64Magic || uint64At(locator, 8) != at:
		return refused(0, ErrAmbiguous)
	case uint64At(p, 4) != end64Size-12: // its second version is for encrypted directories
		return refused(0, ErrHiddenDirectory)
	}
	for _, v := range []struct {
		value       uint64
		large, real uint64
	}{
		{uint64(e.disk), large16, uint64(uint32At(p, 16))},
		{uint64(e.directoryDisk), large16, uint64(uint32At(p, 20))},
		{e.here, large16, uint64At(p, 24)},
		{e.entries, large16, uint64At(p, 32)},
		{e.size, large32, uint64At(p, 40)},
		{e.start, large32, uint64At(p, 48)},
	} {
		if v.value != v.large && v.value != v.real {
			return refused(0, ErrAmbiguous)
		}
	}
	*e = ending{
		disk: uint32At(p, 16), directoryDisk: uint32At(p, 20), here: uint64At(p, 24),
		entries: uint64At(p, 32), size: uint64At(p, 40), start: uint64At(p, 48),
	}
	return nil
}

// parse reads one record of the directory, and returns what follows it.
func (e *record) parse(p []byte) (rest []byte, err error) {
	if len(p) < directorySize || uint32At(p, 0) != directoryMagic {
		return nil, ErrAmbiguous
	}
	names, extras := int(uint16At(p, 28)), int(uint16At(p, 30))
	all := directorySize + names + extras + int(uint16At(p, 32))
	if len(p) < all {
		return nil, ErrAmbiguous
	}
	*e = record{
		name: string(p[directorySize : directorySize+names]), flags: uint16At(p, 8),
		method: uint16At(p, 10), crc: uint32At(p, 16), packed: uint64(uint32At(p, 20)),
		size: uint64(uint32At(p, 24)), attributes: uint32At(p, 38), header: uint64(uint32At(p, 42)),
	}
	if e.flags&flagMasked != 0 {
		return nil, ErrHiddenDirectory
	}
	if e.flags&^flagsKnown != 0 {
		return nil, ErrAmbiguous
	}
	extra, err := readExtra(p[directorySize+names:][:extras], e.name)
	if err != nil {
		return nil, err
	}
	disk := uint32(uint16At(p, 34))
	if !e.enlarge(extra, &disk) {
		return nil, ErrAmbiguous
	}
	if disk != 0 {
		return nil, ErrSpanned
	}
	return p[all:], nil
}

// enlarge takes over the true values of a large entry. The field holds those that do not fit where
// they belong, and no other: readers do not agree on what a further one would be.
func (e *record) enlarge(extra []byte, disk *uint32) bool {
	for _, value := range []*uint64{&e.size, &e.packed, &e.header} {
		if *value != large32 {
			continue
		}
		if len(extra) < 8 {
			return false
		}
		*value, extra = uint64At(extra, 0), extra[8:]
	}
	if *disk == large16 {
		if len(extra) < 4 {
			return false
		}
		*disk, extra = uint32At(extra, 0), extra[4:]
	}
	return len(extra) == 0 && e.size <= math.MaxInt64 && e.packed <= math.MaxInt64
}

// readExtra returns the extra field for large files, nil if there is none. It refuses extra fields
// that cannot be told apart, and a second name.
func readExtra(p []byte, name string) (large []byte, err error) {
	seen := false
	for len(p) > 0 {
		if len(p) < 4 || len(p) < 4+int(uint16At(p, 2)) {
			return nil, ErrAmbiguous
		}
		kind, data := uint16At(p, 0), p[4:][:uint16At(p, 2)]
		p = p[4+len(data):]
		switch kind {
		case extraZIP64:
			if seen {
				return nil, ErrAmbiguous
			}
			seen, large = true, data
		case extraName:
			if otherName(data, name) {
				return nil, ErrAmbiguous
			}
		}
	}
	return large, nil
}

// checkEntries makes sure that the entries follow one another from the start of the file to the
// directory, and say of themselves what the directory says of them. It notes where their content
// is.
func checkEntries(file io.ReaderAt, found []record, directory int64) error {
	order := make([]int, len(found))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(found[a].header, found[b].header) })
	at := int64(0)
	for n, i := range order {
		e, next := &found[i], directory
		if n+1 < len(order) {
			next = int64(min(found[order[n+1]].header, uint64(directory)))
		}
		if e.header != uint64(at) {
			return refused(i+1, ErrAmbiguous)
		}
		if err := e.check(file, at, next); err != nil {
			if err == ErrAmbiguous {
				err = refused(i+1, err)
			}
			return err
		}
		at = next
	}
	if at != directory {
		return refused(0, ErrAmbiguous)
	}
	return nil
}

// check reads the header of an entry, and what follows its content. The entry must fill the file
// from one place to another.
func (e *record) check(file io.ReaderAt, from, to int64) error {
	header := make([]byte, entrySize)
	if to-from < entrySize {
		return ErrAmbiguous
	}
	if err := readFull(file, header, from); err != nil {
		return err
	}
	names, extras := int(uint16At(header, 26)), int(uint16At(header, 28))
	e.content = from + entrySize + int64(names) + int64(extras)
	if uint32At(header, 0) != entryMagic || e.content > to || e.packed > uint64(to-e.content) {
		return ErrAmbiguous
	}
	more := make([]byte, names+extras)
	if err := readFull(file, more, from+entrySize); err != nil {
		return err
	}
	if string(more[:names]) != e.name || uint16At(header, 8) != e.method ||
		(uint16At(header, 6)^e.flags)&^flagOptions != 0 {
		return ErrAmbiguous
	}
	large, err := readExtra(more[names:], e.name)
	if err != nil {
		return err
	}
	if !e.agrees(header, large) {
		return ErrAmbiguous
	}
	return e.checkDescriptor(file, e.content+int64(e.packed), to)
}

// agrees reports whether the header of an entry has the checksum and the sizes of the directory.
// With a data descriptor they may also be zero.
func (e *record) agrees(header, large []byte) bool {
	is := func(value, want uint64) bool {
		return value == want || value == 0 && e.flags&flagDescriptor != 0
	}
	packed, size := uint64(uint32At(header, 18)), uint64(uint32At(header, 22))
	if large != nil {
		if len(large) != 16 || !is(uint64At(large, 0), e.size) || !is(uint64At(large, 8), e.packed) {
			return false
		}
		if size == large32 {
			size = uint64At(large, 0)
		}
		if packed == large32 {
			packed = uint64At(large, 8)
		}
	}
	return is(uint64(uint32At(header, 14)), uint64(e.crc)) && is(packed, e.packed) &&
		is(size, e.size)
}

// checkDescriptor reads what is between the content of an entry and the next entry: nothing, or a
// data descriptor if the entry has one, which repeats checksum and sizes. It may start with a
// signature, and its sizes may have 4 or 8 bytes: its length says which.
func (e *record) checkDescriptor(file io.ReaderAt, from, to int64) error {
	if e.flags&flagDescriptor == 0 {
		if from != to {
			return ErrAmbiguous
		}
		return nil
	}
	if to-from > 24 {
		return ErrAmbiguous
	}
	p := make([]byte, to-from)
	if err := readFull(file, p, from); err != nil {
		return err
	}
	if len(p) == 16 || len(p) == 24 {
		if uint32At(p, 0) != descriptorMagic {
			return ErrAmbiguous
		}
		p = p[4:]
	}
	var packed, size uint64
	switch len(p) {
	case 12:
		packed, size = uint64(uint32At(p, 4)), uint64(uint32At(p, 8))
	case 20:
		packed, size = uint64At(p, 4), uint64At(p, 12)
	default:
		return ErrAmbiguous
	}
	if uint32At(p, 0) != e.crc || packed != e.packed || size != e.size {
		return ErrAmbiguous
	}
	return nil
}
