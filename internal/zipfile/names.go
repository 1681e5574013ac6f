package zipfile

// What an entry is called. Its name becomes the name of an output, so it must be one that every
// system can have, in one folder with the others: outputs must not depend on the system, and no two
// may be one file.

import (
	"errors"
	"hash/crc32"
	"io/fs"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Reasons for which a ZIP file is refused for the name or the kind of an entry.
var (
	ErrName = errors.New(
		"its name leads out of the folder, or is none that every system can have: " +
			"make the ZIP file again")
	ErrNotUTF8 = errors.New(
		"its name has letters that are not marked as UTF-8: rename it and make the ZIP file again")
	ErrSameName = errors.New(
		"another entry has its name, or one that some systems take for it: rename one")
	ErrNotAFile = errors.New(
		"it is neither a file nor a folder, but a link, a pipe or a device: leave it out")
)

// flagUTF8 says that the name is in UTF-8. Without it, the name is in an old code page.
const flagUTF8 = 0x800

// longestName is how many bytes the name of an entry may have: it is in memory several times.
const longestName = 4096

// checkNames refuses names that not every system can have, or not side by side.
func checkNames(found []record) error {
	entries, files, folders := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for i := range found {
		e := &found[i]
		if err := e.checkName(); err != nil {
			return refused(i+1, err)
		}
		if err := e.checkKind(); err != nil {
			return refused(i+1, err)
		}
		name := alike(strings.TrimSuffix(e.name, "/"))
		if entries[name] {
			return refused(i+1, ErrSameName)
		}
		entries[name] = true
		if !e.isFolder() {
			files[name] = true
		}
		for folder := path.Dir(name); folder != "." && !folders[folder]; folder = path.Dir(folder) {
			folders[folder] = true
		}
		if len(folders) > MaxEntries {
			return refused(0, ErrTooMany)
		}
	}
	for i := range found {
		if name := alike(found[i].name); files[name] && folders[name] {
			return refused(i+1, ErrSameName) // a file, and what another entry is in
		}
	}
	return nil
}

// isFolder reports whether an entry is a folder: whether its name ends with a slash.
func (e *record) isFolder() bool { return strings.HasSuffix(e.name, "/") }

func (e *record) checkName() error {
	name := strings.TrimSuffix(e.name, "/")
	ascii := !strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf })
	switch {
	case !utf8.ValidString(name) || !ascii && e.flags&flagUTF8 == 0:
		return ErrNotUTF8
	case len(name) > longestName || name == "." || !fs.ValidPath(name):
		return ErrName
	}
	for element := range strings.SplitSeq(name, "/") {
		if !portable(element) {
			return ErrName
		}
	}
	return nil
}

// portable reports whether every system can have a file of a name. Characters that nobody sees are
// none for a name: some systems leave them out.
func portable(name string) bool {
	bad := func(r rune) bool {
		return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) ||
			strings.ContainsRune(`\:*?"<>|`, r) || r == utf8.RuneError
	}
	if strings.ContainsFunc(name, bad) || strings.HasSuffix(name, ".") ||
		strings.HasSuffix(name, " ") || strings.HasPrefix(name, " ") {
		return false
	}
	device, _, _ := strings.Cut(name, ".")
	return !isDevice(strings.ToUpper(strings.TrimRight(device, " ")))
}

// isDevice reports whether Windows takes a name, without what follows a point, for a device.
func isDevice(name string) bool {
	switch name {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	port, isPort := strings.CutPrefix(name, "COM")
	if !isPort {
		port, isPort = strings.CutPrefix(name, "LPT")
	}
	return isPort && utf8.RuneCountInString(port) == 1 && strings.ContainsAny(port, "9876543210¹²³")
}

// Types of files in the upper half of the external attributes, as Unix has them. Other systems
// leave it zero.
const (
	typeShift  = 28
	typeNone   = 0
	typeFolder = 4
	typeFile   = 8
)

// Attributes of Windows, in the lower half.
const (
	attributeFolder = 0x10
	attributeLink   = 0x400
)

// checkKind refuses what is no file and no folder, or both.
func (e *record) checkKind() error {
	unix := e.attributes >> typeShift
	switch {
	case unix != typeNone && unix != typeFile && unix != typeFolder, e.attributes&attributeLink != 0:
		return ErrNotAFile
	case e.isFolder():
		if unix == typeFile || e.size != 0 || e.crc != 0 {
			return ErrNotAFile
		}
	case unix == typeFolder, e.attributes&attributeFolder != 0:
		return ErrNotAFile
	}
	return nil
}

// alike returns the same for names that some file system takes for one: it does not tell letters by
// their case, or by how an accent is written.
func alike(name string) string {
	return norm.NFC.String(strings.Map(func(r rune) rune {
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		return least
	}, norm.NFD.String(name)))
}

// otherName reports whether an extra field gives the entry a second name, as Info-ZIP writes one
// for names in an old code page.
func otherName(data []byte, name string) bool {
	if len(data) < 5 || data[0] != 1 {
		return true
	}
	return uint32At(data, 1) != crc32.ChecksumIEEE([]byte(name)) || string(data[5:]) != name
}
